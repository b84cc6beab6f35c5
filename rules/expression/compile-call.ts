import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { durationHint, parseDuration } from '../duration.js';
import type { Scope } from './scope.js';
import { findMetric } from './scope.js';
import { broken } from './value.js';
import type { NumberValue, Value } from './value.js';
import { aggregates, createWindow, readWindow } from './window.js';
import type { Aggregate, WindowContent } from './window.js';

const shortestWindowMs = 10_000;
const longestWindowMs = 86_400_000;
const nothing: WindowContent = [];

/**
 * Compiles `mean(metric, "5m")`, `min(…)` or `max(…)`: the metric's values of that time up to now.
 * Mistakes are reported to the scope.
 */
export function compileWindowCall(
  scope: Scope,
  call: ASTNode,
  name: string,
  args: readonly ASTNode[],
): Value {
  const refuse = (offset: number, message: string) => {
    scope.problems.push({ offset, message });
    return broken;
  };
  if (!isAggregate(name)) {
    const hint = didYouMean(name, [...aggregates, 'math.greatest', 'math.least']);
    return refuse(call.start, `There is no function "${name}".${hint}`);
  }
  const [metricNode, lengthNode] = args;
  if (args.length !== 2 || metricNode?.op !== 'id' || lengthNode?.op !== 'value') {
    return refuse(call.start, `${name} needs a metric and a time, such as ${name}(co2_ppm, "5m").`);
  }
  const metric = findMetric(scope, metricNode.args, metricNode.start);
  if (metric === undefined) return broken;
  if (metric.kind !== 'number') return refuse(metricNode.start, `${name} needs a metric that is a number.`);
  const lengthMs = typeof lengthNode.args === 'string' ? parseDuration(lengthNode.args) : undefined;
  if (lengthMs === undefined)
    return refuse(lengthNode.start, `The time of ${name} is no duration: ${durationHint}.`);
  if (lengthMs < shortestWindowMs || lengthMs > longestWindowMs) {
    return refuse(lengthNode.start, `The time of ${name} must be between 10s and 24h.`);
  }

  const metricName = metricNode.args;
  const window = createWindow(name, metricName, lengthMs);
  const { key } = window;
  const read: NumberValue['read'] = (sight) =>
    readWindow(window, sight.windows[key] ?? sight.deviceWindows[key] ?? nothing, sight.at);
  scope.metrics.add(metricName);
  scope.windows.set(key, window);
  scope.evidence.set(scope.text.slice(call.start, call.end), read);
  scope.evidence.set(metricName, (sight) => sight.metrics[metricName] ?? sight.deviceMetrics[metricName]);
  return { kind: 'number', read };
}

/** Compiles `math.greatest(a, b, …)` or `math.least(a, b, …)`; undefined when it is another method. */
export function compileMathCall(name: string, args: readonly Value[]): Value | undefined {
  if (name !== 'greatest' && name !== 'least') return undefined;
  const reads: NumberValue['read'][] = [];
  for (const arg of args) {
    if (arg.kind === 'broken') return broken;
    if (arg.kind !== 'number') return undefined;
    reads.push(arg.read);
  }
  const [first, ...rest] = reads;
  if (first === undefined) return undefined;
  const choose = name === 'greatest' ? Math.max : Math.min;
  const read = rest.reduce<NumberValue['read']>((a, b) => (sight) => choose(a(sight), b(sight)), first);
  return { kind: 'number', read };
}

function isAggregate(name: string): name is Aggregate {
  return (aggregates as readonly string[]).includes(name);
}
