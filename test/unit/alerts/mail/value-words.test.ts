import { expect, it } from 'vitest';
import { explainCondition, explainValue } from '../../../../alerts/mail/value-words.js';

it.each([
  ['co2_ppm', 1623.44, '二氧化碳', '1,623.4 ppm'],
  ['temp_c', 28.25, '温度', '28.3 °C'],
  ['hcho_mgm3', 0.084, '甲醛', '0.08 mg/m³'],
  ['occupied', 1, '有人', '是'],
  ['mean(co2_ppm, "10m")', 1001, '二氧化碳（10 分钟平均）', '1,001 ppm'],
  ['mean(occupied, "2h")', 0.75, '有人（2 小时内占比）', '75 %'],
  ['mean(hcho_mgm3, "1h", "tumbling")', 0.1, '甲醛（上一个完整 1 小时的平均）', '0.1 mg/m³'],
  ['max(temp_c, "1h")', 31, '温度（1 小时内最高）', '31 °C'],
  ['max(occupied, "10m")', 1, '有人（10 分钟内曾经）', '是'],
  ['age_s(co2_ppm)', 1860, '二氧化碳（距上次收到的时间）', '31 分钟'],
  [
    'member_share(mean(co2_ppm, "5m") > 1500)',
    0.33,
    '“二氧化碳（5 分钟平均） > 1,500 ppm”的设备占比',
    '33 %',
  ],
  ['events("smoke", "30m")', 2, '烟雾（30 分钟内次数）', '2'],
  ['silence_s', 930, '无数据时长', '15 分钟 30 秒'],
  ['presence', 'stale', '设备状态', '无响应'],
  ['devices', 'ap-1, ap-7 +22', '涉及设备', 'ap-1、ap-7 等，共 24 台'],
  ['something new', 'x', 'Something new', 'x'],
])('says %s of %s as %s: %s', (term, value, label, said) => {
  expect(explainValue('sensor', term, value, 'zh')).toEqual({ label, value: said });
});

it('says a word that a device reports in both languages', () => {
  expect(explainValue('whiteboard', 'power', 'standby', 'en')).toEqual({
    label: 'Power state',
    value: 'standby',
  });
  expect(explainValue('whiteboard', 'power', 'standby', 'zh').value).toBe('待机');
});

it.each([
  [
    'sensor',
    'mean(co2_ppm, "5m") > 1500 && occupied == 1',
    '二氧化碳（5 分钟平均） > 1,500 ppm 且 有人 = 是',
  ],
  ['sensor', 'temp_c <= 27 || max(occupied, "10m") == 0', '温度 ≤ 27 °C 或 有人（10 分钟内曾经） = 否'],
  ['ap', 'presence in ["stale", "offline"]', '设备状态为 无响应 或 离线'],
  [
    'gateway',
    'silence_s > math.greatest(3 * interval_s, 300) && !maintenance',
    '无数据时长 > 3 × 上报间隔 与 5 分钟 中的较大者 且 不在维护期间',
  ],
  [
    'whiteboard',
    'power == "on" && phase in ["after_school", "night"]',
    '电源状态 = 开机 且 作息时段为 放学后 或 夜间',
  ],
  ['whiteboard', '!(disk_pct > 90)', '不再满足：磁盘占用 > 90 %'],
  [
    'ap',
    'mean(clients, "10m") >= 10 && (clients == 0 || link_mbps < 100)',
    '终端数（10 分钟平均） ≥ 10 且 （终端数 = 0 或 上联速率 < 100 Mbit/s）',
  ],
  [
    'ap',
    'mean(own_tx_pct, "10m") + mean(own_rx_pct, "10m") < 20',
    '自身发送占空比（10 分钟平均） + 自身接收占空比（10 分钟平均） < 20 %',
  ],
  ['ap', 'not_then(event("radar"), clients > 0, "15m")', '“检测到雷达”之后 15 分钟仍未“终端数 > 0”'],
  [
    'sensor',
    'math.abs(mean(temp_c, "5m") - peer_median(temp_c, "floor")) > 8',
    '温度（5 分钟平均） 与 温度（同楼层设备中位数） 的差距 > 8 °C',
  ],
  ['gateway', 'quantile(dns_ms, 0.5, "10m") > 100', 'DNS 时延（10 分钟中位数） > 100 ms'],
  ['sensor', 'lux > 1 && lux < 2 || lux == 9', '（桌面照度 > 1 lx 且 桌面照度 < 2 lx） 或 桌面照度 = 9 lx'],
  ['ap', 'co2_ppm != 3', 'Co2_ppm ≠ 3'],
  ['ap', 'no CEL at all', 'No CEL at all'],
] as const)('says the condition of a %s, %s, as %s', (deviceClass, condition, said) => {
  expect(explainCondition(deviceClass, condition, 'zh')).toBe(said);
});
