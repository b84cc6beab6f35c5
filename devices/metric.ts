import type { DeviceClass } from './device-class.js';

/** A number a device reports. The name ends in its unit; `min` and `max` are what the sensor can mean. */
export interface NumberMetric {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly en: string;
  readonly zh: string;
  readonly unit: string;
  /** How wide the range is that it moves in while nothing is wrong, where that is less than all it can mean. */
  readonly span?: number;
}

/** A word out of a fixed list, such as a panel's power state. */
export interface WordMetric {
  readonly kind: 'word';
  readonly words: readonly [string, ...string[]];
  readonly en: string;
  readonly zh: string;
}

export type Metric = NumberMetric | WordMetric;

const number = (
  min: number,
  max: number,
  unit: string,
  en: string,
  zh: string,
  span?: number,
): NumberMetric => ({
  kind: 'number',
  min,
  max,
  unit,
  en,
  zh,
  ...(span === undefined ? {} : { span }),
});
const word = (en: string, zh: string, ...words: [string, ...string[]]): WordMetric => ({
  kind: 'word',
  words,
  en,
  zh,
});
const percent = (en: string, zh: string) => number(0, 100, '%', en, zh);
const counter = (en: string, zh: string) => number(0, Number.MAX_SAFE_INTEGER, '', en, zh);
const faultState = (en: string, zh: string) =>
  number(0, 2, '', `${en} (0 ok, 1 warning, 2 error)`, `${zh}（0 正常，1 警告，2 故障）`);
const yesNo = (en: string, zh: string) => number(0, 1, '', en, zh);

// Ranges are design values: what a sensor of the class can physically report, not limits of a standard. They reach
// beyond what is survivable: the worst air must be alarmed, not refused.
const sensor = {
  co2_ppm: number(0, 40_000, 'ppm', 'CO2', '二氧化碳', 5000),
  temp_c: number(-40, 125, '°C', 'Temperature', '温度', 70),
  rh_pct: percent('Relative humidity', '相对湿度'),
  pm25_ugm3: number(0, 5000, 'µg/m³', 'PM2.5', 'PM2.5', 500),
  pm10_ugm3: number(0, 10_000, 'µg/m³', 'PM10', 'PM10', 1000),
  hcho_mgm3: number(0, 10, 'mg/m³', 'Formaldehyde', '甲醛', 1),
  tvoc_mgm3: number(0, 200, 'mg/m³', 'TVOC', '总挥发性有机物', 10),
  co_mgm3: number(0, 1500, 'mg/m³', 'Carbon monoxide', '一氧化碳', 100),
  lux: number(0, 200_000, 'lx', 'Desk illuminance', '桌面照度', 2000),
  lux_board: number(0, 200_000, 'lx', 'Board illuminance', '黑板照度', 2000),
  laeq_dba: number(0, 140, 'dB(A)', 'Noise', '噪声', 100),
  occupied: yesNo('Occupied', '有人'),
  battery_pct: percent('Battery', '电池电量'),
  rssi_dbm: number(-120, 0, 'dBm', 'Radio signal', '无线信号强度'),
} as const;

const whiteboard = {
  power: word('Power state', '电源状态', 'on', 'ready', 'standby', 'powersave', 'updating', 'off'),
  input: word('Input', '信号源', 'hdmi1', 'hdmi2', 'hdmi3', 'hdmi4', 'ops1', 'usbc', 'android', 'vga', 'dp'),
  on_hours: counter('Hours on', '累计开机小时'),
  backlight_hours: counter('Backlight hours', '背光小时'),
  brightness_pct: percent('Brightness', '亮度'),
  volume_pct: percent('Volume', '音量'),
  soc_temp_c: number(-20, 130, '°C', 'SoC temperature', '主控温度'),
  board_temp_c: number(-20, 130, '°C', 'Board temperature', '主板温度'),
  cpu_pct: percent('CPU', '处理器占用'),
  mem_pct: percent('Memory', '内存占用'),
  disk_pct: percent('Disk', '磁盘占用'),
  fan_fault: faultState('Fan', '风扇'),
  lamp_fault: faultState('Light source', '光源'),
  temp_fault: faultState('Temperature', '温度'),
  cover_fault: faultState('Cover', '外壳'),
  filter_fault: faultState('Filter', '滤网'),
  other_fault: faultState('Other', '其他'),
  touch_connected: yesNo('Touch frame connected', '触摸框已连接'),
  touches_per_h: number(0, 1_000_000, '1/h', 'Touches per hour', '每小时触摸次数'),
  last_input_s: counter('Seconds since last input', '距上次操作秒数'),
  crash_count: counter('Crashes', '崩溃次数'),
} as const;

const ap = {
  clients: number(0, 1000, '', 'Clients', '终端数'),
  clients_ipv4: number(0, 1000, '', 'Clients with an IPv4 address', '有 IPv4 地址的终端数'),
  clients_ipv6: number(0, 1000, '', 'Clients with a global IPv6 address', '有全局 IPv6 地址的终端数'),
  cpu_pct: percent('CPU', '处理器占用'),
  mem_pct: percent('Memory', '内存占用'),
  temp_c: number(-40, 130, '°C', 'Temperature', '温度'),
  uptime_s: counter('Uptime', '运行时间'),
  channel: number(1, 233, '', 'Channel', '信道'),
  channel_width_mhz: number(20, 320, 'MHz', 'Channel width', '信道带宽'),
  tx_power_dbm: number(-10, 40, 'dBm', 'Transmit power', '发射功率'),
  chan_util_pct: percent('Channel utilisation', '信道利用率'),
  own_tx_pct: percent('Own transmit airtime', '自身发送占空比'),
  own_rx_pct: percent('Own receive airtime', '自身接收占空比'),
  noise_dbm: number(-120, 0, 'dBm', 'Noise floor', '底噪'),
  rssi_dbm: number(-120, 0, 'dBm', 'Median client signal', '终端信号中位数'),
  retry_pct: percent('Retries', '重传率'),
  assoc_fail_pct: percent('Association failures', '关联失败率'),
  auth_fail_pct: percent('Authentication failures', '认证失败率'),
  dhcp_fail_pct: percent('DHCPv4 failures', 'DHCPv4 失败率'),
  dhcpv6_fail_pct: percent('DHCPv6 failures', 'DHCPv6 失败率'),
  dhcp_ms: number(0, 60_000, 'ms', 'DHCPv4 time', 'DHCPv4 时延'),
  dns_ms: number(0, 60_000, 'ms', 'DNS time', 'DNS 时延'),
  dns_fail_pct: percent('DNS failures', 'DNS 失败率'),
  ra_sources: number(0, 100, '', 'Router advertisement sources', '路由通告来源数'),
  ra_age_s: counter('Seconds since router advertisement', '距上次路由通告秒数'),
  link_mbps: number(0, 400_000, 'Mbit/s', 'Link speed', '上联速率'),
  link_errors: counter('Link errors', '上联错误数'),
  poe_w: number(0, 100, 'W', 'PoE power', 'PoE 功率'),
  rx_bytes: counter('Bytes received', '接收字节数'),
  tx_bytes: counter('Bytes sent', '发送字节数'),
  health_pct: percent('Health score', '健康分'),
} as const;

const gateway = {
  cpu_pct: percent('CPU', '处理器占用'),
  mem_pct: percent('Memory', '内存占用'),
  disk_pct: percent('Disk', '磁盘占用'),
  temp_c: number(-40, 130, '°C', 'Temperature', '温度'),
  uptime_s: counter('Uptime', '运行时间'),
  link_up: yesNo('Link up', '链路正常'),
  link_mbps: number(0, 400_000, 'Mbit/s', 'Link speed', '链路速率'),
  rx_mbps: number(0, 400_000, 'Mbit/s', 'Inbound traffic', '入向流量'),
  tx_mbps: number(0, 400_000, 'Mbit/s', 'Outbound traffic', '出向流量'),
  rx_bytes: counter('Bytes received', '接收字节数'),
  tx_bytes: counter('Bytes sent', '发送字节数'),
  if_errors: counter('Interface errors', '接口错误数'),
  rtt_ms: number(0, 60_000, 'ms', 'Round trip, IPv4', 'IPv4 往返时延'),
  rtt6_ms: number(0, 60_000, 'ms', 'Round trip, IPv6', 'IPv6 往返时延'),
  loss_pct: percent('Packet loss, IPv4', 'IPv4 丢包率'),
  loss6_pct: percent('Packet loss, IPv6', 'IPv6 丢包率'),
  dns_ms: number(0, 60_000, 'ms', 'DNS time', 'DNS 时延'),
  dns_fail_pct: percent('DNS failures', 'DNS 失败率'),
  dhcp_fail_pct: percent('DHCP failures', 'DHCP 失败率'),
  throughput_down_mbps: number(0, 400_000, 'Mbit/s', 'Measured download', '实测下行带宽'),
  throughput_up_mbps: number(0, 400_000, 'Mbit/s', 'Measured upload', '实测上行带宽'),
  poe_w: number(0, 10_000, 'W', 'PoE power', 'PoE 功率'),
  ntp_offset_ms: number(-86_400_000, 86_400_000, 'ms', 'NTP offset', 'NTP 偏差'),
} as const;

/** Every metric a device of the class may report, by its name in the payload and in InfluxDB. */
export const metricsOf: Readonly<Record<DeviceClass, Readonly<Record<string, Metric>>>> = {
  sensor,
  whiteboard,
  ap,
  gateway,
};

/** Whether it is a metric that only grows, until it starts anew. */
export function isCounter(deviceClass: DeviceClass, name: string): boolean {
  const metric = metricsOf[deviceClass][name];
  return metric?.kind === 'number' && metric.max === Number.MAX_SAFE_INTEGER;
}
