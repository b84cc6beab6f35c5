import { aggregations, aggregates } from './aggregate.js';
import type { Aggregate } from './aggregate.js';
import type { Call, FunctionSpec } from './call.js';
import { conditionArg, durationArg, metricArg, recall, showCall, showMetric } from './call.js';
import type { Scope } from './scope.js';
import { innerScope, refuse } from './scope.js';
import { broken } from './value.js';
import type { Value } from './value.js';
import { createMetricWindow, createTruthWindow, unasked } from './window.js';
import type { Window, WindowKind } from './window.js';

const usages: Partial<Record<Aggregate | 'share', string>> = {
  quantile: 'quantile(rtt_ms, 0.95, "1h")',
  share: 'share(co2_ppm > 1000, "1h")',
  level_shift: 'level_shift(soc_temp_c, "2h")',
  coverage: 'coverage(pm25_ugm3, "24h", "tumbling")',
};

function windowFunction(name: Aggregate | 'share'): FunctionSpec {
  const usage = usages[name] ?? `${name}(co2_ppm, "5m")`;
  const isQuantile = name === 'quantile';
  const what = name === 'share' ? 'a condition' : 'a metric';
  return {
    usage,
    needs: isQuantile ? 'a metric, a share and a time' : `${what} and a time`,
    gives:
      name === 'share'
        ? {
            en: 'the share of the time in which the condition was true, 0 to 1: each reading stands for the time since the one before it, up to two intervals of the device',
            zh: '条件成立的时间所占比例，0 到 1：每条读数代表距前一条的时间，最多两个上报间隔',
          }
        : aggregations[name].gives,
    args: isQuantile ? [3, 4] : [2, 3],
    compile: (call) => compileWindow(call, name, usage),
  };
}

/** Questions to a window of event time: the values of that time up to now, or of the last such stretch of the clock. */
export const windowFunctions: Readonly<Record<string, FunctionSpec>> = Object.fromEntries(
  [...aggregates, 'share' as const].map((name) => [name, windowFunction(name)]),
);

function compileWindow(call: Call, name: Aggregate | 'share', usage: string): Value {
  const { scope, args } = call;
  const at = name === 'quantile' ? 2 : 1;
  const example = `such as ${usage}`;
  const lengthMs = durationArg(
    call,
    at,
    `${name} needs ${name === 'share' ? 'a condition' : 'a metric'} and a time, ${example}.`,
  );
  const kind = kindOf(call, at + 1);
  if (lengthMs === undefined || kind === undefined) return broken;
  if (name === 'level_shift' && kind === 'tumbling')
    return refuse(
      scope,
      args[at + 1]?.start ?? 0,
      'level_shift slides: it has no whole stretches of the clock.',
    );
  const aggregate = name === 'share' ? 'mean' : name;
  const windowMs = aggregate === 'level_shift' ? 2 * lengthMs : lengthMs;
  const window =
    name === 'share'
      ? truthWindow(call, windowMs, kind, example)
      : metricWindow(call, aggregate, windowMs, kind, example);
  if (window === undefined) return broken;
  let q = NaN;
  if (name === 'quantile') {
    const share = args[1]?.op === 'value' ? Number(args[1].args) : NaN;
    if (!(share >= 0 && share <= 1))
      return refuse(scope, args[1]?.start ?? 0, 'The share of a quantile is a number between 0 and 1.');
    q = share;
  }
  const read = recall(scope, window, window.question(aggregate, q), unasked(aggregate));
  for (const metric of window.metrics) showMetric(scope, metric);
  // A clock's hour ends whether or not a reading comes, but is asked for with the next one.
  return showCall(call, read);
}

function kindOf(call: Call, index: number): WindowKind | undefined {
  const arg = call.args[index];
  if (arg === undefined) return 'sliding';
  if (arg.op === 'value' && arg.args === 'tumbling') return 'tumbling';
  refuse(call.scope, arg.start, 'After the time there can only be "tumbling": whole stretches of the clock.');
  return undefined;
}

/** What can be asked of a metric that is no number. */
const ofWords: readonly Aggregate[] = ['changes', 'count', 'coverage'];

function metricWindow(
  call: Call,
  aggregate: Aggregate,
  lengthMs: number,
  kind: WindowKind,
  example: string,
): Window | undefined {
  const found = metricArg(call, 0, `${aggregate} needs a metric and a time, ${example}.`);
  if (found === undefined) return undefined;
  const { name, metric } = found;
  if (metric.kind !== 'number' && !ofWords.includes(aggregate)) {
    const message = `${aggregate} needs a metric that is a number; of words there are ${ofWords.join(', ')}.`;
    refuse(call.scope, call.args[0]?.start ?? 0, message);
    return undefined;
  }
  return createMetricWindow(aggregate, name, metric, lengthMs, kind);
}

function truthWindow(call: Call, lengthMs: number, kind: WindowKind, example: string): Window | undefined {
  const inner = innerScope(call.scope);
  const condition = conditionArg(call, 0, inner, `share needs a condition, ${example}.`);
  if (condition === undefined) return undefined;
  const problem = whyNoSingleReading(inner);
  if (problem === undefined)
    return createTruthWindow(condition.text, [...inner.metrics], condition.read, lengthMs, kind);
  refuse(call.scope, call.args[0]?.start ?? 0, `The condition in share must be about ${problem}.`);
  return undefined;
}

function whyNoSingleReading({ uses, metrics }: Scope): string | undefined {
  if (uses.memories) return 'single readings, not about windows';
  return uses.silence || uses.events || metrics.size === 0 ? 'metrics' : undefined;
}
