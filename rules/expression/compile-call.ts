import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { durationHint, parseDuration } from '../duration.js';
import { aggregates, isAggregate } from './aggregate.js';
import type { Aggregate } from './aggregate.js';
import type { WindowContent } from './fold.js';
import type { Scope } from './scope.js';
import { createScope, findMetric } from './scope.js';
import { broken } from './value.js';
import type { NumberValue, Value } from './value.js';
import { createMetricWindow, createTruthWindow, readWindow } from './window.js';
import type { Window } from './window.js';

const shortestWindowMs = 10_000;
const longestWindowMs = 86_400_000;
const nothing: WindowContent = [];

/**
 * Compiles `mean(metric, "5m")` and the other questions to a window: the metric's values of that time up to now,
 * or of `share(condition, "1h")` the share of readings in which the condition was true. Mistakes are reported to
 * the scope.
 */
export function compileWindowCall(
  scope: Scope,
  call: ASTNode,
  name: string,
  args: readonly ASTNode[],
  compile: (scope: Scope, node: ASTNode) => Value,
): Value {
  const refuse = (offset: number, message: string) => {
    scope.problems.push({ offset, message });
    return broken;
  };
  if (!isAggregate(name) && name !== 'share') {
    const hint = didYouMean(name, [...aggregates, 'share', 'math.greatest', 'math.least']);
    return refuse(call.start, `There is no function "${name}".${hint}`);
  }
  const needs = examples[name] ?? `${name} needs a metric and a time, such as ${name}(co2_ppm, "5m").`;
  if (args.length !== (name === 'quantile' ? 3 : 2)) return refuse(call.start, needs);
  const [of, lengthNode] = [args[0], args.at(-1)];
  if (of === undefined || lengthNode?.op !== 'value') return refuse(call.start, needs);
  const lengthMs = typeof lengthNode.args === 'string' ? parseDuration(lengthNode.args) : undefined;
  if (lengthMs === undefined)
    return refuse(lengthNode.start, `The time of ${name} is no duration: ${durationHint}.`);
  if (lengthMs < shortestWindowMs || lengthMs > longestWindowMs)
    return refuse(lengthNode.start, `The time of ${name} must be between 10s and 24h.`);

  const window =
    name === 'share'
      ? truthWindow(scope, of, lengthMs, compile)
      : metricWindow(scope, name, of, lengthMs, needs);
  if (window === undefined) return broken;
  const q = name === 'quantile' ? shareOf(args[1]) : undefined;
  if (name === 'quantile' && q === undefined)
    return refuse(args[1]?.start ?? call.start, 'The share of a quantile is a number between 0 and 1.');
  const { key } = window;
  const aggregate = name === 'share' ? 'mean' : name;
  const read: NumberValue['read'] = (sight) =>
    readWindow(window, aggregate, sight.windows[key] ?? sight.deviceWindows[key] ?? nothing, sight.at, q);
  scope.windows.set(key, window);
  scope.evidence.set(scope.text.slice(call.start, call.end), read);
  for (const metric of window.metrics) {
    scope.metrics.add(metric);
    scope.evidence.set(metric, (sight) => sight.metrics[metric] ?? sight.deviceMetrics[metric]);
  }
  return { kind: 'number', read };
}

const examples: Readonly<Record<string, string>> = {
  quantile: 'quantile needs a metric, a share and a time, such as quantile(rtt_ms, 0.95, "1h").',
  share: 'share needs a condition and a time, such as share(co2_ppm > 1000, "1h").',
};

function metricWindow(
  scope: Scope,
  aggregate: Aggregate,
  node: ASTNode,
  lengthMs: number,
  needs: string,
): Window | undefined {
  if (node.op !== 'id') {
    scope.problems.push({ offset: node.start, message: needs });
    return undefined;
  }
  const metric = findMetric(scope, node.args, node.start);
  if (metric === undefined) return undefined;
  if (metric.kind !== 'number' && aggregate !== 'changes' && aggregate !== 'count') {
    const message = `${aggregate} needs a metric that is a number; of words there are changes and count.`;
    scope.problems.push({ offset: node.start, message });
    return undefined;
  }
  return createMetricWindow(aggregate, node.args, metric, lengthMs);
}

function truthWindow(
  scope: Scope,
  node: ASTNode,
  lengthMs: number,
  compile: (scope: Scope, node: ASTNode) => Value,
): Window | undefined {
  const inner = createScope(scope.text, scope.classes);
  const condition = compile(inner, node);
  scope.problems.push(...inner.problems);
  if (condition.kind === 'broken') return undefined;
  const isPlain = inner.windows.size === 0 && !inner.usesTime && inner.metrics.size > 0;
  if (condition.kind === 'truth' && isPlain) {
    const text = scope.text.slice(node.start, node.end);
    return createTruthWindow(text, [...inner.metrics], condition.read, lengthMs);
  }
  const message =
    condition.kind !== 'truth'
      ? 'share needs a condition, such as share(co2_ppm > 1000, "1h").'
      : inner.windows.size > 0
        ? 'The condition in share must be about single readings, not about windows.'
        : 'The condition in share must be about metrics.';
  scope.problems.push({ offset: node.start, message });
  return undefined;
}

function shareOf(node: ASTNode | undefined): number | undefined {
  if (node?.op !== 'value') return undefined;
  const share = typeof node.args === 'bigint' ? Number(node.args) : node.args;
  return typeof share === 'number' && share >= 0 && share <= 1 ? share : undefined;
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
