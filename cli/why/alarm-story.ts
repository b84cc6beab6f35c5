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
  for (const step of history) {
    const metrics = metricsIn(alarm, step);
    const backMs = Math.min(mostBackMs, lookBackOf(step) + leadMs);
    const readings =
      influx === undefined
        ? undefined
        : await readReadings(alarm, step.at, backMs, metrics, influx, surroundings);
    steps.push({
      ...step,
      inWords: explainCondition(alarm.deviceClass, step.condition, 'en', alarm.named),
      because: becauseOf({ ...alarm, ...step }),
      where: whereOf(rule, step),
      metrics,
      readings,
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

async function readReadings(
  { site, device, part, deviceClass }: Omit<Alarm, 'history'>,
  at: number,
  backMs: number,
  metrics: readonly string[],
  influx: Influx,
  { registry }: Surroundings,
): Promise<readonly StoryReading[]> {
  if (device === undefined) return [];
  const found: StoryReading[] = [];
  const refOf = createDeviceRefs(registry);
  const query = { influx, classes: [deviceClass], site, device, from: at - backMs, until: at + 1, refOf };
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
