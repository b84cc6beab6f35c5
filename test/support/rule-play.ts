import type { DeviceClass } from '../../devices/device-class.js';
import type { Reading } from '../../devices/telemetry.js';
import type { Transition } from '../../rules/alarm.js';
import type { Calendar } from '../../rules/calendar.js';
import { emptyCalendar } from '../../rules/calendar.js';
import type { DeviceRef } from '../../rules/device-ref.js';
import { createEngine } from '../../rules/engine/engine.js';
import { parseRules } from '../../rules/parse-rules.js';

export const minute = 60_000;
/** A Monday. */
export const start = Date.parse('2026-03-02T08:00:00+08:00');
export const at = (minutes: number) => start + minutes * minute;

interface World extends Partial<Calendar> {
  readonly class?: DeviceClass;
  readonly device?: Partial<DeviceRef>;
}

/** An engine over rules given by their conditions; each is a rule `r1`, `r2` …. Times in minutes since Monday 08:00. */
export function play(rules: string | readonly string[], world: World = {}) {
  const deviceClass = world.class ?? 'sensor';
  const texts = 'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test, class: ' + deviceClass;
  const list = (typeof rules === 'string' ? [rules] : rules).map((rule, i) => {
    const severity = rule.includes('steps:') ? '' : ', severity: minor';
    return `- { id: r${i + 1}, ${texts}${severity}, ${rule} }`;
  });
  const engine = createEngine(parseRules([{ name: 'r.yaml', text: list.join('\n') }]), {
    ...emptyCalendar,
    ...world,
  });
  const ref = (id: string): DeviceRef => ({ site: 's1', deviceClass, ...world.device, id });
  const devices = new Map<string, DeviceRef>();
  const device = (id: string) => {
    const known = devices.get(id) ?? ref(id);
    devices.set(id, known);
    return known;
  };
  const short = (transitions: readonly Transition[]) =>
    transitions.map((t) => {
      const rule = list.length > 1 ? ` ${t.rule}` : '';
      const severity = t.kind === 'change' ? ` ${t.severity}` : '';
      return `${t.kind}${severity}${rule}@${(t.at - start) / minute}`;
    });
  return {
    engine,
    device,
    short,
    reading: (minutes: number, m: Record<string, number | string>, id = 'd1', late = 0) =>
      short(engine.reading(device(id), { ts: at(minutes), m }, at(minutes + late))),
    /** One message of it, with parts. */
    parts: (minutes: number, parts: NonNullable<Reading['parts']>, m: Reading['m'] = {}, id = 'd1') =>
      short(engine.reading(device(id), { ts: at(minutes), m, parts }, at(minutes))),
    event: (minutes: number, type: string, id = 'd1') =>
      short(engine.event(device(id), type, at(minutes), at(minutes))),
    tick: (minutes: number) => short(engine.tick(at(minutes))),
  };
}
