import type { Bilingual } from '../alarm.js';
import type { Call, FunctionSpec } from './call.js';
import { durationArg, metricArg, numberMetricArg, recall, showCall, showMetric } from './call.js';
import type { Cells } from './cells.js';
import { hoursPerWeek, hourOf, planPast, planUsual, readPast, readUsual, readUsualOver } from './season.js';
import { textOf } from './scope.js';
import type { Sight } from './sight.js';
import { broken } from './value.js';
import type { Value } from './value.js';
import { createDrift, createLast, drift, fewestForDrift, last, recentSpreadOf } from './value-memories.js';
import { createMetricWindow } from './window.js';
import type { ReadCells } from './window.js';

type Read = (known: Cells, sight: Sight) => number;

const of = (usage: string, gives: Bilingual, compile: (call: Call, needs: string) => Value): FunctionSpec => {
  const needs = usage.includes('"') ? 'a metric and a time' : 'a metric';
  return {
    usage,
    needs,
    gives,
    args: [needs === 'a metric' ? 1 : 2],
    compile: (call) => compile(call, `${call.name} needs ${needs}, such as ${usage}.`),
  };
};

function aboutLast(usage: string, gives: Bilingual, read: ReadCells, uses?: 'age'): FunctionSpec {
  return of(usage, gives, (call, needs) => {
    const found = numberMetricArg(call, 0, needs);
    if (found === undefined) return broken;
    if (uses !== undefined) call.scope.uses[uses] = true;
    const value = recall(call.scope, createLast(found.name, found.metric), read);
    showMetric(call.scope, found.name);
    return showCall(call, value);
  });
}

/** What is read of the drift of a metric, once enough is known; undefined, with the mistake reported, without one. */
function driftOf(call: Call, needs: string, read: Read): ((sight: Sight) => number) | undefined {
  const found = numberMetricArg(call, 0, needs);
  const lengthMs = durationArg(call, 1, needs);
  if (found === undefined || lengthMs === undefined) return undefined;
  showMetric(call.scope, found.name);
  return recall(call.scope, createDrift(found.name, lengthMs), (cells, start, sight) =>
    (cells[start + drift.count] as number) < fewestForDrift ? NaN : read(cells.subarray(start), sight),
  );
}

function aboutDrift(usage: string, gives: Bilingual, read: Read): FunctionSpec {
  return of(usage, gives, (call, needs) => {
    const value = driftOf(call, needs, read);
    return value === undefined ? broken : showCall(call, value);
  });
}

const cusumOf: Read = (known) => Math.max(known[drift.above] as number, known[drift.below] as number);

/**
 * How large a sum of CUSUM must be for `shifted(metric, time)`. The usual 5 is for a few samples a day: of N(0, 1) at
 * one value a minute it is crossed some 270 times in three months. Simulated over 25 years of such minutes, for times
 * of 5 minutes to 6 hours, 11 is crossed 0.1 to 0.7 times in three months.
 */
const shiftedFrom = 11;

function aboutPast(usage: string, gives: Bilingual, hours: number): FunctionSpec {
  return of(usage, gives, (call, needs) => {
    const found = numberMetricArg(call, 0, needs);
    if (found === undefined) return broken;
    const place = planPast(call.scope.plan, found.name);
    call.scope.uses.memories = true;
    showMetric(call.scope, found.name);
    return showCall(call, ({ cells, starts, at, calendar }) => {
      const start = starts[place] ?? -1;
      return start < 0 ? NaN : readPast(cells, start, hourOf(at, calendar.offsetMs(at)) - hours);
    });
  });
}

/** Where what is usual for the metric is kept, and how it is read. */
function usualOf(call: Call, needs: string) {
  const found = numberMetricArg(call, 0, needs);
  if (found === undefined) return undefined;
  const { name, metric } = found;
  const { scope } = call;
  const place = planUsual(scope.plan, name, metric);
  scope.uses.memories = true;
  showMetric(scope, name);
  const startOf = ({ starts }: Sight) => starts[place] ?? -1;
  return { name, metric, startOf };
}

/** By how many usual standard deviations the mean of the last `lengthMs` is away from the usual. */
function robustZ(call: Call, needs: string, lengthMs: number): ((sight: Sight) => number) | undefined {
  const found = usualOf(call, needs);
  if (found === undefined) return undefined;
  const { name, metric, startOf } = found;
  const window = createMetricWindow('mean', name, metric, lengthMs);
  const mean = recall(call.scope, window, window.question('mean'));
  const usual = (sight: Sight) => {
    const start = startOf(sight);
    if (start < 0) return undefined;
    return readUsualOver(sight.cells, start, sight.at, lengthMs, sight.calendar.offsetMs(sight.at), metric);
  };
  call.scope.evidence.set(`usual(${name})`, (sight) => usual(sight)?.level);
  return (sight) => {
    const known = usual(sight);
    return known === undefined ? NaN : (mean(sight) - known.level) / known.sd;
  };
}

/** How unusual something must be for `unusual(metric)`, in usual standard deviations; our design value. */
const unusualFrom = 4;
const unusualMs = 1_800_000;

export const valueFunctions: Readonly<Record<string, FunctionSpec>> = {
  last: of(
    'last(co2_ppm)',
    { en: 'its newest value, also where this reading has none', zh: '最新值，本次读数没有时也可用' },
    (call, needs) => {
      const found = metricArg(call, 0, needs);
      if (found === undefined) return broken;
      const { name, metric } = found;
      const newest: ReadCells = (cells, start) => cells[start + last.value] as number;
      const read = recall(call.scope, createLast(name, metric), newest);
      showMetric(call.scope, name);
      if (metric.kind === 'number') return showCall(call, read);
      return { kind: 'word', words: metric.words, read: (sight) => metric.words[read(sight)] };
    },
  ),
  previous: aboutLast(
    'previous(co2_ppm)',
    { en: 'its value before the newest', zh: '最新值之前的一个值' },
    (cells, start) => cells[start + last.before] as number,
  ),
  step: aboutLast(
    'step(temp_c)',
    { en: 'its newest value less the one before', zh: '最新值减前一个值' },
    (cells, start) => (cells[start + last.value] as number) - (cells[start + last.before] as number),
  ),
  age_s: aboutLast(
    'age_s(co2_ppm)',
    {
      en: 'seconds since the metric was last reported, while the device reports others; unknown where it never was',
      zh: '设备仍在上报其他指标时，该指标上次上报至今的秒数；从未上报时未知',
    },
    (cells, start, { at }) => (at - (cells[start + last.at] as number)) / 1000,
    'age',
  ),
  yesterday: aboutPast(
    'yesterday(rx_mbps)',
    { en: 'its mean in the same hour of yesterday', zh: '昨天同一小时的均值' },
    24,
  ),
  last_week: aboutPast(
    'last_week(rx_mbps)',
    { en: 'its mean in the same hour a week ago', zh: '一周前同一小时的均值' },
    hoursPerWeek,
  ),
  usual: of(
    'usual(clients)',
    {
      en: 'what is usual for it at this hour of the week, once it was seen in three weeks',
      zh: '一周中这一小时的通常值，见过三周后才有',
    },
    (call, needs) => {
      const found = usualOf(call, needs);
      if (found === undefined) return broken;
      const { startOf, metric } = found;
      return showCall(call, (sight) => {
        const start = startOf(sight);
        const hour = hourOf(sight.at, sight.calendar.offsetMs(sight.at));
        return start < 0 ? NaN : (readUsual(sight.cells, start, hour, metric)?.level ?? NaN);
      });
    },
  ),
  robust_z: of(
    'robust_z(clients, "30m")',
    {
      en: 'by how many usual standard deviations its mean is away from what is usual at this hour of the week',
      zh: '均值偏离一周中这一小时通常值多少个通常标准差',
    },
    (call, needs) => {
      const lengthMs = durationArg(call, 1, needs);
      const read = lengthMs === undefined ? undefined : robustZ(call, needs, lengthMs);
      return read === undefined ? broken : showCall(call, read);
    },
  ),
  unusual: of(
    'unusual(clients)',
    {
      en: `whether robust_z over 30 minutes is beyond ${unusualFrom} either way`,
      zh: `30 分钟的 robust_z 是否超出正负 ${unusualFrom}`,
    },
    (call, needs) => {
      const read = robustZ(call, needs, unusualMs);
      if (read === undefined) return broken;
      return {
        kind: 'truth',
        read: (sight) => {
          const z = read(sight);
          return Number.isNaN(z) ? undefined : Math.abs(z) > unusualFrom;
        },
      };
    },
  ),
  ewma_z: aboutDrift(
    'ewma_z(rtt_ms, "30m")',
    {
      en: 'by how many standard deviations its weighted mean of about that time is away from that of twelve times as long; a value that arrives after a newer one is left out',
      zh: '约这段时间的加权均值偏离十二倍时间的加权均值多少个标准差；晚于更新的值到达的值不计',
    },
    (known) => ((known[drift.recent] as number) - (known[drift.mean] as number)) / recentSpreadOf(known),
  ),
  cusum: aboutDrift(
    'cusum(rtt_ms, "30m")',
    {
      en: `the greater of its two CUSUM sums in standard deviations (k = 0.5); mere chance takes it beyond 5 three times a day at one value a minute, and beyond ${shiftedFrom} less than once in three months; a value that arrives after a newer one is left out`,
      zh: `两个 CUSUM 累积和中较大者，以标准差计（k = 0.5）；每分钟一个值时，纯随机波动每天约三次超过 5，三个月内超过 ${shiftedFrom} 不到一次；晚于更新的值到达的值不计`,
    },
    cusumOf,
  ),
  shifted: of(
    'shifted(rtt_ms, "30m")',
    {
      en: `whether cusum is above ${shiftedFrom}, to which at one value a minute mere chance takes it less than once in three months`,
      zh: `cusum 是否超过 ${shiftedFrom}：每分钟一个值时，纯随机波动三个月内达到不到一次`,
    },
    (call, needs) => {
      const read = driftOf(call, needs, cusumOf);
      if (read === undefined) return broken;
      const [metric, time] = call.args;
      if (metric !== undefined && time !== undefined)
        call.scope.evidence.set(`cusum(${textOf(call.scope, metric)}, ${textOf(call.scope, time)})`, read);
      return {
        kind: 'truth',
        read: (sight) => {
          const sum = read(sight);
          return Number.isNaN(sum) ? undefined : sum > shiftedFrom;
        },
      };
    },
  ),
};
