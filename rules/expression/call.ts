import type { ASTNode } from '@marcbachmann/cel-js';
import type { Metric } from '../../devices/metric.js';
import type { Bilingual } from '../alarm.js';
import { durationHint, parseDuration } from '../duration.js';
import type { Memory } from './memory.js';
import type { Scope } from './scope.js';
import { findMetric, refuse, textOf } from './scope.js';
import type { Sight } from './sight.js';
import type { IsEmpty, NumberValue, TruthValue, Value } from './value.js';
import type { ReadCells } from './window.js';

/** Reads a number from what is remembered, and says what it is where that is empty. */
type Recalled = NumberValue['read'] & Pick<NumberValue, 'given'>;

/** A function as it is called in an expression. */
export interface Call {
  readonly scope: Scope;
  readonly node: ASTNode;
  readonly name: string;
  readonly args: readonly ASTNode[];
  readonly compile: (scope: Scope, node: ASTNode) => Value;
}

/** A function that conditions can call. */
export interface FunctionSpec {
  /** A call, as an example. */
  readonly usage: string;
  /** What it needs, e.g. `a metric and a time`. */
  readonly needs: string;
  /** One sentence for the reference: what it gives, in which unit. */
  readonly gives: Bilingual;
  /** How many arguments it takes. */
  readonly args: readonly number[];
  /** Compiles the call; mistakes are reported to the scope. */
  readonly compile: (call: Call) => Value;
}

const shortestMs = 10_000;
const longestMs = 86_400_000;

/** The metric that an argument names; undefined, with the mistake reported, where it names none. */
export function metricArg(
  { scope, args, node }: Call,
  index: number,
  needs: string,
): { readonly name: string; readonly metric: Metric } | undefined {
  const arg = args[index];
  if (arg?.op !== 'id') {
    refuse(scope, arg?.start ?? node.start, needs);
    return undefined;
  }
  const metric = findMetric(scope, arg.args, arg.start);
  return metric && { name: arg.args, metric };
}

/** The metric that an argument names, which must be a number. */
export function numberMetricArg(call: Call, index: number, needs: string) {
  const found = metricArg(call, index, needs);
  if (found === undefined || found.metric.kind === 'number') return found;
  refuse(call.scope, call.args[index]?.start ?? 0, `${call.name} needs a metric that is a number.`);
  return undefined;
}

/** The duration that an argument names, ms; undefined, with the mistake reported, where it names none. */
export function durationArg(
  { scope, args, node, name }: Call,
  index: number,
  needs: string,
): number | undefined {
  const arg = args[index];
  if (arg?.op !== 'value') {
    refuse(scope, node.start, needs);
    return undefined;
  }
  const ms = typeof arg.args === 'string' ? parseDuration(arg.args) : undefined;
  if (ms === undefined) refuse(scope, arg.start, `The time of ${name} is no duration: ${durationHint}.`);
  else if (ms < shortestMs || ms > longestMs)
    refuse(scope, arg.start, `The time of ${name} must be between 10s and 24h.`);
  else return ms;
  return undefined;
}

/** A word that is written as an argument; undefined where it is none. */
export function wordArg({ args }: Call, index: number): string | undefined {
  const arg = args[index];
  return arg?.op === 'value' && typeof arg.args === 'string' ? arg.args : undefined;
}

/** The condition that an argument is, compiled in a scope of its own. */
export function conditionArg(
  { args, compile, node }: Call,
  index: number,
  inner: Scope,
  needs: string,
): (TruthValue & { readonly text: string }) | undefined {
  const arg = args[index];
  if (arg === undefined) {
    refuse(inner, node.start, needs);
    return undefined;
  }
  const value = compile(inner, arg);
  if (value.kind === 'truth') return { ...value, text: textOf(inner, arg) };
  if (value.kind !== 'broken') refuse(inner, arg.start, needs);
  return undefined;
}

/**
 * Compiles a look at what is remembered of what is judged; of the whole device, where a part has nothing.
 * @param empty what it gives where there is nothing
 */
export function recall(
  { plan, uses, places }: Scope,
  memory: Memory,
  read: ReadCells,
  empty = NaN,
): Recalled {
  const place = plan.placeOf(memory);
  uses.memories = true;
  places.add(place);
  const recalled = (sight: Sight) => {
    // Past the end, where the sight knows no places, it is undefined.
    const own = sight.starts[place] ?? -1;
    if (own >= 0) return read(sight.cells, own, sight);
    const start = sight.deviceStarts[place] ?? -1;
    return start >= 0 ? read(sight.deviceCells, start, sight) : empty;
  };
  return Object.assign(recalled, { given: (isEmpty: IsEmpty) => (isEmpty(place) ? empty : undefined) });
}

/** Names the metric of a memory as something that the expression looked at. */
export function showMetric(scope: Scope, name: string): void {
  scope.metrics.add(name);
  scope.evidence.set(name, (sight) => sight.metrics[name] ?? sight.deviceMetrics[name]);
}

/** Names a number that the call gives, as written, as something that the expression looked at. */
export function showCall({ scope, node }: Call, read: Recalled): Value {
  scope.evidence.set(textOf(scope, node), read);
  return { kind: 'number', read, given: read.given };
}
