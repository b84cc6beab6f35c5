import type { Vocabulary } from './words.js';

/**
 * Types of events that rules can ask for, as devices name them in `"e"`. Others are stored all the same; a rule that
 * names one of these wrongly would wait for it for ever, so only these can be named.
 */
export type EventType =
  | 'radar'
  | 'channel_change'
  | 'deauth_burst'
  | 'auth_failure'
  | 'rogue_ra'
  | 'rogue_ap'
  | 'dhcp_starved'
  | 'link_down'
  | 'link_up'
  | 'power_lost'
  | 'reboot'
  | 'crash'
  | 'app_crash'
  | 'update_failed'
  | 'usb_inserted'
  | 'smoke'
  | 'flooding'
  | 'tamper'
  // Found by the ingest, which no device has to say.
  | 'clock_ahead'
  | 'clock_behind'
  | 'reading_refused';

export const eventTypeWords: Vocabulary<EventType> = {
  radar: { zh: '检测到雷达', en: 'radar detected' },
  channel_change: { zh: '信道变更', en: 'channel changed' },
  deauth_burst: { zh: '解除认证突发', en: 'burst of deauthentications' },
  auth_failure: { zh: '认证失败', en: 'authentication failed' },
  rogue_ra: { zh: '非法路由通告', en: 'rogue router advertisement' },
  rogue_ap: { zh: '非法接入点', en: 'rogue access point' },
  dhcp_starved: { zh: 'DHCP 地址耗尽', en: 'DHCP pool exhausted' },
  link_down: { zh: '链路中断', en: 'link down' },
  link_up: { zh: '链路恢复', en: 'link up' },
  power_lost: { zh: '断电', en: 'power lost' },
  reboot: { zh: '重启', en: 'restarted' },
  crash: { zh: '系统崩溃', en: 'system crash' },
  app_crash: { zh: '应用崩溃', en: 'application crash' },
  update_failed: { zh: '升级失败', en: 'update failed' },
  usb_inserted: { zh: '插入 U 盘', en: 'USB stick inserted' },
  smoke: { zh: '烟雾', en: 'smoke' },
  flooding: { zh: '水浸', en: 'flooding' },
  tamper: { zh: '被拆动', en: 'tampered with' },
  clock_ahead: { zh: '设备时钟偏快', en: "the device's clock is ahead" },
  clock_behind: { zh: '设备时钟偏慢', en: "the device's clock is behind" },
  reading_refused: { zh: '数据被拒收', en: 'a reading was refused' },
};

export const eventTypes = Object.keys(eventTypeWords) as readonly EventType[];
