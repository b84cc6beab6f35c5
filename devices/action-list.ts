import { z } from 'zod';
import type { Action, Expectation } from './action.js';
import type { DeviceClass } from './device-class.js';
import { metricsOf } from './metric.js';

/*
 * What the pipeline may tell devices to do. Windows are design values. An action that leaves a state behind
 * takes it as an argument of the state's own name, so that its range is the metric's.
 */

const second = 1000;
const minute = 60 * second;

type Words = Pick<Action, 'zh' | 'en'>;
const none = z.strictObject({});
const part = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,32}$/, 'must be the name of a part, such as radio5 or port12');
const whole = (min: number, max: number) => z.int().min(min).max(max);

/** Never sent, whoever asks: they wipe a device, or open it to whoever can write a command. */
export const deniedActions: Readonly<Record<string, string>> = {
  factory: 'a factory reset takes the device off the network until somebody goes there',
  factory_reset: 'a factory reset takes the device off the network until somebody goes there',
  script: 'it would run any program on the device',
  rtty: 'it would open a terminal on the device',
  trace: 'it records what the users of the network send',
};

function plain(
  words: Words,
  more: Partial<Pick<Action, 'safeInLesson' | 'approval' | 'harmless' | 'expects' | 'args'>> & {
    readonly withinMs?: number;
  } = {},
): Action {
  const { withinMs = minute, ...rest } = more;
  return {
    args: none,
    safeInLesson: true,
    approval: 'none',
    ...rest,
    ...words,
    withinMs: () => withinMs,
  };
}

/** Sets a metric of the device, or of the part named by the argument `of`, to a value in its range. */
function setting(
  deviceClass: DeviceClass,
  name: string,
  words: Words,
  more: {
    readonly of?: string;
    readonly safeInLesson: boolean;
    readonly withinMs?: number | ((value: number) => number);
  },
): Action {
  const { of, safeInLesson, withinMs = minute } = more;
  const window = typeof withinMs === 'number' ? () => withinMs : withinMs;
  return {
    ...words,
    args: z.strictObject({ ...(of === undefined ? {} : { [of]: part }), [name]: valueOf(deviceClass, name) }),
    safeInLesson,
    approval: 'none',
    sets: { name, part: of },
    withinMs: (args) => window(Number(args[name])),
  };
}

function valueOf(deviceClass: DeviceClass, name: string): z.ZodType {
  const metric = metricsOf[deviceClass][name];
  if (metric === undefined) throw new Error(`a ${deviceClass} has no metric ${name}`);
  return metric.kind === 'word' ? z.enum(metric.words) : whole(metric.min, metric.max);
}

const power = (...among: string[]): Expectation => ({
  shows: 'value',
  path: { of: 'device', name: 'power' },
  among,
  after: 'issue',
});

/** What every class can do. */
const common = {
  report: plain(
    { zh: '立即上报', en: 'Report now' },
    { harmless: true, expects: () => ({ shows: 'reading' }) },
  ),
  identify: plain(
    { zh: '闪灯定位', en: 'Blink to be found' },
    { harmless: true, args: z.strictObject({ seconds: whole(1, 600).default(30) }) },
  ),
  set_interval: {
    zh: '设置上报间隔',
    en: 'Set the reporting interval',
    args: z.strictObject({ interval_s: whole(1, 3600) }),
    safeInLesson: true,
    approval: 'none',
    sets: { name: 'interval_s', meta: true },
    withinMs: () => minute,
  },
  reboot: plain(
    { zh: '重启', en: 'Reboot' },
    { safeInLesson: false, expects: () => ({ shows: 'restart' }), withinMs: 5 * minute },
  ),
  update_firmware: plain(
    { zh: '升级固件', en: 'Update the firmware' },
    {
      args: z.strictObject({
        version: z.string().regex(/^[\w.+-]{1,64}$/, 'must be a version such as 2.4.1'),
      }),
      safeInLesson: false,
      approval: 'second_person',
      expects: ({ version }) => ({
        shows: 'value',
        path: { of: 'meta', name: 'firmware' },
        among: [String(version)],
        after: 'issue',
      }),
      withinMs: 30 * minute,
    },
  ),
} as const satisfies Record<string, Action>;

const sensor: Readonly<Record<string, Action>> = {
  ...common,
  // Baseline calibration takes the air it is in for fresh air: wrong in a room with people.
  calibrate_co2: plain({ zh: '二氧化碳基线校准', en: 'Calibrate CO2 in fresh air' }, { safeInLesson: false }),
};

const whiteboard: Readonly<Record<string, Action>> = {
  ...common,
  power_on: plain(
    { zh: '开机', en: 'Turn on' },
    { safeInLesson: false, expects: () => power('on', 'ready'), withinMs: 2 * minute },
  ),
  power_off: plain(
    { zh: '关机（待机）', en: 'Turn off (standby)' },
    { safeInLesson: false, expects: () => power('standby', 'powersave', 'off'), withinMs: 2 * minute },
  ),
  set_input: setting(
    'whiteboard',
    'input',
    { zh: '切换信号源', en: 'Select the input' },
    { safeInLesson: false },
  ),
  set_brightness: setting(
    'whiteboard',
    'brightness_pct',
    { zh: '设置亮度', en: 'Set the brightness' },
    { safeInLesson: true },
  ),
  set_volume: setting(
    'whiteboard',
    'volume_pct',
    { zh: '设置音量', en: 'Set the volume' },
    { safeInLesson: false },
  ),
  set_mute: plain(
    { zh: '静音', en: 'Mute' },
    { args: z.strictObject({ mute: z.boolean() }), safeInLesson: false },
  ),
  set_freeze: plain(
    { zh: '画面定格', en: 'Freeze the picture' },
    { args: z.strictObject({ freeze: z.boolean() }), safeInLesson: false },
  ),
  set_lock: plain(
    { zh: '锁屏', en: 'Lock the screen' },
    { args: z.strictObject({ lock: z.boolean() }), safeInLesson: false },
  ),
  broadcast: plain(
    { zh: '紧急广播', en: 'Show an urgent message' },
    { args: z.strictObject({ text: z.string().min(1).max(500) }), approval: 'person' },
  ),
};

const ap: Readonly<Record<string, Action>> = {
  ...common,
  set_channel: setting(
    'ap',
    'channel',
    { zh: '切换信道', en: 'Change the channel' },
    // A radar channel is listened to for a minute first, one of the weather radar's for ten (ETSI).
    {
      of: 'radio',
      safeInLesson: false,
      withinMs: (channel) => (channel >= 116 && channel <= 128 ? 13 : 3) * minute,
    },
  ),
  set_channel_width: setting(
    'ap',
    'channel_width_mhz',
    { zh: '设置信道带宽', en: 'Set the channel width' },
    { of: 'radio', safeInLesson: false, withinMs: 3 * minute },
  ),
  set_tx_power: setting(
    'ap',
    'tx_power_dbm',
    { zh: '设置发射功率', en: 'Set the transmit power' },
    { of: 'radio', safeInLesson: true, withinMs: 2 * minute },
  ),
  optimise_radio: plain({ zh: '射频调优（RRM）', en: 'Optimise the radios (RRM)' }, { safeInLesson: false }),
  scan: plain({ zh: '无线扫描', en: 'Scan the air' }, { safeInLesson: false }),
  set_leds: plain(
    { zh: '指示灯', en: 'Switch the LEDs' },
    { args: z.strictObject({ leds: z.enum(['on', 'off', 'blink']) }) },
  ),
};

const gateway: Readonly<Record<string, Action>> = {
  ...common,
  // The whole site hangs on it.
  reboot: { ...common.reboot, approval: 'second_person' },
  poe_cycle: plain(
    { zh: 'PoE 端口断电重启', en: 'Power-cycle a PoE port' },
    {
      args: z.strictObject({ port: part }),
      safeInLesson: false,
      expects: ({ port }) => ({
        shows: 'value',
        path: { of: 'part', part: String(port), name: 'link_up' },
        among: [1],
        after: 'answer',
      }),
      withinMs: 5 * minute,
    },
  ),
  set_port: plain(
    { zh: '启用或封禁端口', en: 'Open or block a port' },
    {
      args: z.strictObject({ port: part, enabled: z.boolean() }),
      safeInLesson: false,
      approval: 'second_person',
      expects: ({ port, enabled }) => ({
        shows: 'value',
        path: { of: 'part', part: String(port), name: 'link_up' },
        among: [enabled === true ? 1 : 0],
        after: 'answer',
      }),
      withinMs: 2 * minute,
    },
  ),
  restart_service: plain(
    { zh: '重启网络服务', en: 'Restart a network service' },
    {
      args: z.strictObject({ service: z.enum(['ra', 'dhcp', 'dhcp_relay', 'dns', 'ntp']) }),
      safeInLesson: false,
    },
  ),
  speed_test: plain(
    { zh: '带宽测速', en: 'Measure the bandwidth' },
    { safeInLesson: false, withinMs: 3 * minute },
  ),
};

/** Every action a device of the class may be told, by its name in the payload. */
export const actionsOf: Readonly<Record<DeviceClass, Readonly<Record<string, Action>>>> = {
  sensor,
  whiteboard,
  ap,
  gateway,
};
