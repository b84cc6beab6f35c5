import { endingCauses } from '../../alerts/mail/ending-words.js';
import { explainCondition } from '../../alerts/mail/value-words.js';
import { metricsOf } from '../../devices/metric.js';
import type { MetricValue, Reading } from '../../devices/telemetry.js';
import type { Alarm, AlarmStep, EndingReason } from '../../rules/alarm.js';
import { parseDuration } from '../../rules/duration.js';
import type { CompiledRule } from '../../rules/rule.js';
import type { Influx } from '../../runtime/influx-connection.js';
import { createDeviceRefs } from '../history/device-refs.js';
import { readInfluxHistory } from '../history/influx-history.js';
import type { Surroundings } from '../history/surroundings.js';

/** A reading around a transition, with the metrics that it was about. */
export interface StoryReading {
  readonly at: number;
  /** Of an alarm about a group: which of its devices it is of. */
  readonly device?: string | undefined;
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** One transition with what led to it. */
export interface StoryStep extends AlarmStep {
  readonly inWords: string;
  /** Why it ended, where that is not because things were well again: an English sentence. */
  readonly because?: string | undefined;
  /** Where the rule stands, where it is still the same; else why not, in a few words. */
  readonly where: { readonly file: string; readonly line: number } | string;
  /** Names of the metrics that decided. */
  readonly metrics: readonly string[];
  /** From before the hold time to the transition; undefined where they can't be read. */
  readonly readings: readonly StoryReading[] | undefined;
  /** What it was compared with, where that lies further back; the nearest first. */
  readonly earlier: readonly EarlierHour[] | undefined;
}

/** An hour that a condition compares with, as a basis of what is usual. */
export interface EarlierHour {
  readonly from: number;
  readonly until: number;
  readonly readings: number;
  readonly means: Readonly<Record<string, number>>;
}

export interface AlarmStory {
  readonly alarm: Omit<Alarm, 'history'>;
  readonly steps: readonly StoryStep[];
}

/** Shown before the time that the condition looks back on. */
const leadMs = 120_000;
/** Further back no reading is shown, however long the rule looks back. */
const mostBackMs = 86_400_000;

/**
 * Puts together why an alarm was raised, changed and cleared.
 * @param rules those that the pipeline judges by now
 * @param influx undefined where it can't be asked
 */
export async function tellAlarmStory(
  { history, ...alarm }: Alarm,
  rules: readonly CompiledRule[],
  influx: Influx | undefined,
  surroundings: Surroundings,
): Promise<AlarmStory> {
  const rule = rules.find(({ id }) => id === alarm.rule);
  const steps: StoryStep[] = [];
  let members: readonly string[] = [];
  for (const step of history) {
    const metrics = metricsIn(alarm, step);
    const backMs = Math.min(mostBackMs, lookBackOf(step) + leadMs);
    members = membersIn(step) ?? members;
    const about: AboutReadings = { alarm, metrics, surroundings, members };
    const readings = influx && (await readReadings(about, step.at - backMs, step.at, influx));
    const earlier = influx && (await readEarlier(about, step, influx));
    steps.push({
      ...step,
      inWords: explainCondition(alarm.deviceClass, step.condition, 'en', alarm.named),
      because: becauseOf({ ...alarm, ...step }),
      where: whereOf(rule, step),
      metrics,
      readings,
      earlier,
    });
  }
  return { alarm, steps };
}

function becauseOf(step: Pick<Alarm, 'deviceClass' | 'named' | 'evidence' | 'reason' | 'by' | 'ending'>) {
  const { reason, by, ending } = step;
  if (reason !== undefined)
    return `It ended because ${reasonWords[reason]}${by === undefined ? '' : `, by ${by}`}; how things are is not known.`;
  if (ending === undefined) return undefined;
  return ending.kind === 'moment'
    ? 'The event was over; that says nothing of what it did.'
    : `It ended because ${endingCauses(step, 'en').join(', and ')}; that does not mean that things were well again.`;
}

const reasonWords: Readonly<Record<EndingReason, string>> = {
  rule_removed: 'its rule was removed',
  rule_changed: 'its rule was changed',
  rule_off: 'its rule was switched off',
  rule_shadow: 'its rule is only tried out from then on',
  no_data: 'what it looks at was reported no more',
  not_confirmed: 'judged again after a restart, nothing was found of it',
  device_removed: 'the device was removed',
  device_changed: 'the device reported as another class',
};

function whereOf(rule: CompiledRule | undefined, { ruleVersion }: AlarmStep): StoryStep['where'] {
  if (rule === undefined) return 'the rule is no more';
  if (rule.version !== ruleVersion) return `the rule has changed since, it is version ${rule.version} now`;
  return { file: rule.file, line: rule.line };
}

/** How far the condition looks back: its hold time, and the longest time that is written in it. */
function lookBackOf({ holdMs = 0, condition }: AlarmStep): number {
  const written = [...condition.matchAll(/"(\d+[smhd])"/g)].map(([, time = '']) => parseDuration(time) ?? 0);
  return holdMs + Math.max(0, ...written);
}

function metricsIn(
  { deviceClass }: Pick<Alarm, 'deviceClass'>,
  { condition, evidence }: AlarmStep,
): string[] {
  const text = [condition, ...Object.keys(evidence)].join(' ');
  const words = new Set(text.match(/[a-z][a-z0-9_]*/g) ?? []);
  return Object.keys(metricsOf[deviceClass]).filter((name) => words.has(name));
}

/** Devices of a group that a transition named as examples, such as `ap-1, ap-7 +22`. */
function membersIn({ evidence: { devices } }: AlarmStep): readonly string[] | undefined {
  return typeof devices === 'string' ? devices.replace(/ \+\d+$/, '').split(', ') : undefined;
}

/** Whose readings are read, and what of them. */
interface AboutReadings {
  readonly alarm: Omit<Alarm, 'history'>;
  readonly metrics: readonly string[];
  readonly surroundings: Surroundings;
  /** Of an alarm about a group. */
  readonly members: readonly string[];
}

/** Newest readings of each device of a group; there are many devices. */
const mostOfMember = 2;

async function readReadings(
  about: AboutReadings,
  from: number,
  at: number,
  influx: Influx,
): Promise<readonly StoryReading[]> {
  const { device } = about.alarm;
  if (device !== undefined) return readDevice(about, device, from, at + 1, influx);
  const found: StoryReading[] = [];
  for (const member of about.members) {
    const own = await readDevice(about, member, from, at + 1, influx);
    found.push(...own.slice(-mostOfMember).map((reading) => ({ ...reading, device: member })));
  }
  return found;
}

const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** By function, how many days further back it looks at the same hour. */
const earlierDays: Readonly<Record<string, readonly number[]>> = {
  yesterday: [1],
  last_week: [7],
  usual: [7, 14, 21],
  unusual: [7, 14, 21],
  robust_z: [7, 14, 21],
};

async function readEarlier(
  about: AboutReadings,
  { at, condition }: AlarmStep,
  influx: Influx,
): Promise<readonly EarlierHour[]> {
  const called = [...condition.matchAll(/\b([a-z_]+)\(/g)].flatMap(
    ([, name = '']) => earlierDays[name] ?? [],
  );
  const { device } = about.alarm;
  const found: EarlierHour[] = [];
  for (const days of [...new Set(called)].sort((a, b) => a - b)) {
    const from = Math.floor(at / hourMs) * hourMs - days * dayMs;
    const until = from + hourMs;
    const of = device === undefined ? about.members : [device];
    const all = await Promise.all(of.map((each) => readDevice(about, each, from, until, influx)));
    found.push({ from, until, readings: all.flat().length, means: meansOf(all.flat(), about.metrics) });
  }
  return found;
}

function meansOf(readings: readonly StoryReading[], metrics: readonly string[]): Record<string, number> {
  const means: Record<string, number> = {};
  for (const name of metrics) {
    const values = readings.flatMap(({ metrics: { [name]: value } }) =>
      typeof value === 'number' ? [value] : [],
    );
    if (values.length > 0)
      means[name] = Math.round((1000 * values.reduce((sum, value) => sum + value, 0)) / values.length) / 1000;
  }
  return means;
}

/** @param until not part of it, epoch ms */
async function readDevice(
  { alarm: { site, part, deviceClass, group }, metrics, surroundings: { registry } }: AboutReadings,
  device: string,
  from: number,
  until: number,
  influx: Influx,
): Promise<readonly StoryReading[]> {
  const found: StoryReading[] = [];
  const refOf = createDeviceRefs(registry);
  // What reaches over several sites is at none of them.
  const at = group?.kind === 'district' ? undefined : site;
  const query = { influx, classes: [deviceClass], site: at, device, from, until, refOf };
  for await (const { items } of readInfluxHistory(query)) {
    for (const item of items) {
      if (item.kind !== 'reading') continue;
      const shown = pick(item.reading, part, metrics);
      // Of an alarm about silence every reading tells something: that it was heard.
      if (metrics.length === 0 || Object.keys(shown).length > 0)
        found.push({ at: item.reading.ts, metrics: shown });
    }
  }
  return found;
}

function pick(
  { m, parts }: Reading,
  part: string | undefined,
  names: readonly string[],
): Record<string, MetricValue> {
  const own = part === undefined ? undefined : parts?.[part];
  const picked: Record<string, MetricValue> = {};
  for (const name of names) {
    const value = own?.[name] ?? m[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
