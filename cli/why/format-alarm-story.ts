import { formatDuration } from '../../rules/duration.js';
import { describePlace } from '../terminal/alarm-place.js';
import { formatPairs, formatTable, shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import type { AlarmStory, EarlierHour, StoryReading, StoryStep } from './alarm-story.js';

/** Of more readings some are left out, evenly; the first and the last are always there. */
const mostReadings = 12;

/** The story as a person reads it. @param trouble why there are no readings, where InfluxDB could not be asked */
export function formatAlarmStory(
  { alarm, steps }: AlarmStory,
  timeZone: string,
  trouble: string | undefined,
): string {
  const { id, title, severity, state, group, deviceClass, shadow } = alarm;
  const lines = [
    `${title.en} (${title.zh})`,
    formatPairs([
      ['alarm', id],
      ['state', `${state}, ${severity}${shadow === true ? '; its rule is tried out, nobody was told' : ''}`],
      ['where', `${describePlace(alarm).join(': ')} (${deviceClass})`],
    ]),
    ...(trouble === undefined ? [] : [`  No readings can be shown: ${trouble}`]),
    ...steps.flatMap((step, i) => ['', formatStep(step, i, timeZone, group !== undefined)]),
  ];
  return lines.join('\n');
}

const doings = { raise: 'raised', change: 'changed to', clear: 'cleared, was' } as const;

function formatStep(step: StoryStep, i: number, timeZone: string, isGroup: boolean): string {
  const { kind, severity, at, where, ruleVersion, condition, inWords, holdMs, because, evidence, readings } =
    step;
  const place = typeof where === 'string' ? where : `${shortPath(where.file)}:${where.line}`;
  const values = Object.entries(evidence).map(([name, value]) => `${name} = ${value}`);
  const pairs: [string, string][] = [
    ['rule', `version ${ruleVersion}, ${place}`],
    ['condition', `${condition}${holdMs === undefined ? '' : `, for ${formatDuration(holdMs)}`}`],
    ...(inWords === condition ? [] : ([['in words', inWords]] as [string, string][])),
    ...(because === undefined ? [] : ([['but', because]] as [string, string][])),
    ...(values.length === 0 ? [] : ([['values', values.join('; ')]] as [string, string][])),
  ];
  const heading = `${i + 1}. ${doings[kind]} ${severity} at ${formatTime(at, timeZone)}`;
  return [
    heading,
    formatPairs(pairs),
    ...formatReadings(step, readings, timeZone, isGroup),
    ...(step.earlier ?? []).map((hour) => formatEarlier(hour, timeZone)),
  ].join('\n');
}

function formatReadings(
  { metrics }: StoryStep,
  readings: readonly StoryReading[] | undefined,
  timeZone: string,
  isGroup: boolean,
): string[] {
  if (readings === undefined) return [];
  if (readings.length === 0) return ['  InfluxDB holds no readings of that time.'];
  const shown = isGroup ? readings : thin(readings);
  const left = readings.length - shown.length;
  const table = formatTable(
    ['Time', ...(isGroup ? ['Device'] : []), ...metrics],
    shown.map(({ at, device, metrics: values }) => [
      formatTime(at, timeZone),
      ...(isGroup ? [device ?? ''] : []),
      ...metrics.map((name) => values[name] ?? ''),
    ]),
  );
  return [
    ...table.split('\n').map((line) => `  ${line}`),
    ...(left > 0 ? [`  (${left} between them ${left === 1 ? 'is' : 'are'} not shown)`] : []),
  ];
}

/** E.g. `Compared with 2026-03-01 08:00:00, an hour of 60 readings: mean rx_mbps 312.4`. */
function formatEarlier({ from, readings, means }: EarlierHour, timeZone: string): string {
  const values = Object.entries(means).map(([name, value]) => `${name} ${value}`);
  const what = readings === 0 ? 'no readings' : `${readings} readings, mean ${values.join(', ')}`;
  return `  Compared with the hour from ${formatTime(from, timeZone)}: ${what}`;
}

function thin(readings: readonly StoryReading[]): readonly StoryReading[] {
  if (readings.length <= mostReadings) return readings;
  const step = (readings.length - 1) / (mostReadings - 1);
  return Array.from({ length: mostReadings }, (_, i) => readings[Math.round(i * step)] as StoryReading);
}
