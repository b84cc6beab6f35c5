import type { DeviceClass } from '../../../../devices/device-class.js';
import type { PresenceVerdict } from '../../../../devices/presence.js';
import type { Reading } from '../../../../devices/telemetry.js';
import type { SchoolPhase } from '../../../../devices/timetable.js';
import { isWorse } from '../../../../rules/alarm.js';
import type { Severity } from '../../../../rules/alarm.js';
import { emptyCalendar } from '../../../../rules/calendar.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import type { CompiledRule } from '../../../../rules/rule.js';

type Metrics = Reading['m'];

/** What is heard of a device in a minute. */
export interface Told {
  /** @defaultValue d1 */
  readonly id?: string;
  readonly m?: Metrics;
  readonly parts?: Reading['parts'];
  readonly event?: string;
  readonly presence?: PresenceVerdict;
}

/** What happens at a school of one device class, minute by minute from Monday, 2 March 2026, 08:00. */
export interface Story {
  readonly deviceClass: DeviceClass;
  readonly tell: (minute: number) => readonly Told[];
  /** @defaultValue 4 */
  readonly hours?: number;
  /** Minutes from one telling to the next. @defaultValue 1 */
  readonly every?: number;
  /** @defaultValue lesson */
  readonly phase?: SchoolPhase;
  readonly maintenance?: boolean;
  /** What is registered of a device beside where it stands by default. */
  readonly device?: (id: string) => Partial<DeviceRef>;
}

/** One device that reports the same at all times, or what it reports in a minute. */
export function reports(
  deviceClass: DeviceClass,
  metrics: Metrics | ((minute: number) => Metrics),
  more: Partial<Story> = {},
): Story {
  const m = typeof metrics === 'function' ? metrics : () => metrics;
  return { deviceClass, tell: (minute) => [{ m: m(minute) }], ...more };
}

/** The same of a part of it, such as a radio. */
export function partReports(deviceClass: DeviceClass, part: string, metrics: Metrics): Story {
  return { deviceClass, tell: () => [{ m: {}, parts: { [part]: metrics } }] };
}

/** So many devices, called 1, 2 …, which report what is said of each. */
export function several(
  deviceClass: DeviceClass,
  count: number,
  metrics: (n: number, minute: number) => Metrics,
  more: Partial<Story> = {},
): Story {
  const tell = (minute: number) =>
    Array.from({ length: count }, (_, i) => ({ id: String(i + 1), m: metrics(i + 1, minute) }));
  return { deviceClass, tell, ...more };
}

/** A device that reports as usual, and has events in these minutes. */
export function events(
  deviceClass: DeviceClass,
  type: string,
  minutes: readonly number[],
  more: Partial<Story> & { readonly m?: Metrics } = {},
): Story {
  const { m = {}, ...rest } = more;
  const tell = (minute: number): readonly Told[] =>
    minutes.includes(minute) ? [{ event: type }, { m }] : [{ m }];
  return { deviceClass, tell, ...rest };
}

/** Measured values are never quite alike: the same sequence each time, between -1 and 1. */
export function noise(minute: number): number {
  return (((minute * 7919) % 201) - 100) / 100;
}

const minuteMs = 60_000;
const start = Date.parse('2026-03-02T08:00:00+08:00');

/** The rules that were raised, with the most severe that each was. */
export function play(rules: readonly CompiledRule[], story: Story): Map<string, Severity> {
  const { deviceClass, tell, hours = 4, every = 1, phase = 'lesson', maintenance = false } = story;
  const calendar = { ...emptyCalendar, phaseAt: () => phase, isInMaintenance: () => maintenance };
  const engine = createEngine(rules, calendar);
  const devices = new Map<string, DeviceRef>();
  const deviceOf = (id: string): DeviceRef => {
    let device = devices.get(id);
    if (device === undefined) {
      device = { ...whereItStands, site: 's1', deviceClass, ...story.device?.(id), id };
      devices.set(id, device);
      engine.presence(device, { state: 'online', excused: false }, start);
    }
    return device;
  };
  const raised = new Map<string, Severity>();
  for (let minute = 0; minute < hours * 60; minute += every) {
    const at = start + minute * minuteMs;
    const transitions = tell(minute).flatMap(({ id = 'd1', m, parts, event, presence }) => {
      const device = deviceOf(id);
      if (presence !== undefined) engine.presence(device, presence, at);
      const ofEvent = event === undefined ? [] : engine.event(device, event, at - 1, at);
      return m === undefined ? ofEvent : [...ofEvent, ...engine.reading(device, { ts: at, m, parts }, at)];
    });
    for (const { kind, rule, severity } of [...transitions, ...engine.tick(at + 1000)]) {
      const worst = raised.get(rule);
      if (kind !== 'clear' && (worst === undefined || isWorse(severity, worst))) raised.set(rule, severity);
    }
  }
  return raised;
}

const whereItStands = {
  room: 'r201',
  roomKind: 'classroom',
  floor: 2,
  parentId: 'gw-1',
  contractedMbps: 1000,
  intervalS: 60,
} as const;
