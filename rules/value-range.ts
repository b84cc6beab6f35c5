import type { ASTNode } from '@marcbachmann/cel-js';
import { longestIntervalS } from '../devices/device.js';
import type { DeviceClass } from '../devices/device-class.js';
import { metricsOf } from '../devices/metric.js';
import { findContextName } from './expression/context-names.js';

/** All that a number can be, both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What the ranges of an expression depend on. */
export interface RangeFacts {
  readonly classes: readonly DeviceClass[];
  /** Whether a condition within it, such as that of `share`, can hold at all. */
  readonly canHold: (condition: ASTNode) => boolean;
}

const anyNumber: Range = { min: -Infinity, max: Infinity };
const anyCount: Range = { min: 0, max: Infinity };

const contextRanges: Readonly<Record<string, Range>> = {
  silence_s: anyCount,
  interval_s: { min: 0, max: longestIntervalS },
  contracted_mbps: anyCount,
  capacity: anyCount,
};

/** Functions that give something the metric can be. */
const likeMetric = new Set([
  'mean',
  'min',
  'max',
  'quantile',
  'last',
  'previous',
  'yesterday',
  'last_week',
  'usual',
  'peer_median',
]);
/** Functions that give the difference of two such values. */
const likeDifference = new Set(['change', 'step']);
const likeCount = new Set([
  'count',
  'changes',
  'resets',
  'increase',
  'events',
  'stddev',
  'cusum',
  'age_s',
  'seconds_since',
]);

/** Everything that a number in a condition can be, by what its metrics and functions can; wider where that is unsure. */
export function rangeOf(node: ASTNode, facts: RangeFacts): Range {
  switch (node.op) {
    case 'value': {
      const value = typeof node.args === 'bigint' || typeof node.args === 'number' ? Number(node.args) : NaN;
      return Number.isNaN(value) ? anyNumber : { min: value, max: value };
    }
    case 'id':
      return contextRanges[node.args] ?? metricRange(node.args, facts.classes);
    case '-_':
      return negated(rangeOf(node.args, facts));
    case '+':
      return sum(rangeOf(node.args[0], facts), rangeOf(node.args[1], facts));
    case '-':
      return difference(rangeOf(node.args[0], facts), rangeOf(node.args[1], facts));
    case '*':
      return product(rangeOf(node.args[0], facts), rangeOf(node.args[1], facts));
    case '/':
      return quotient(rangeOf(node.args[0], facts), rangeOf(node.args[1], facts));
    case '?:':
      return union([rangeOf(node.args[1], facts), rangeOf(node.args[2], facts)]);
    case 'call':
      return rangeOfCall(node.args[0], node.args[1], facts);
    case 'rcall':
      return rangeOfMath(
        node.args[0],
        node.args[2].map((each) => rangeOf(each, facts)),
      );
    case '!_':
    case '!=':
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case '&&':
    case '%':
    case '<':
    case '<=':
    case '==':
    case '>':
    case '>=':
    case '||':
    case 'in':
    case 'list':
    case 'map':
      return anyNumber;
  }
}

/** Whether a function gives something that its metric can be. */
export function isLikeMetric(name: string): boolean {
  return likeMetric.has(name);
}

/** All that the one less the other can be. */
export function difference(a: Range, b: Range): Range {
  return sum(a, negated(b));
}

function rangeOfCall(name: string, args: readonly ASTNode[], facts: RangeFacts): Range {
  const [first] = args;
  if (name === 'member_share' || name === 'share' || name === 'members') {
    if (first !== undefined && !facts.canHold(first)) return { min: 0, max: 0 };
    return name === 'members' ? anyCount : { min: 0, max: 1 };
  }
  if (likeCount.has(name)) return anyCount;
  const metric = first?.op === 'id' ? metricRange(first.args, facts.classes) : anyNumber;
  if (likeMetric.has(name)) return metric;
  return likeDifference.has(name) ? difference(metric, metric) : anyNumber;
}

function rangeOfMath(name: string, ranges: readonly Range[]): Range {
  const [first] = ranges;
  if (first === undefined) return anyNumber;
  const mins = ranges.map(({ min }) => min);
  const maxs = ranges.map(({ max }) => max);
  if (name === 'greatest') return { min: Math.max(...mins), max: Math.max(...maxs) };
  if (name === 'least') return { min: Math.min(...mins), max: Math.min(...maxs) };
  if (name !== 'abs') return anyNumber;
  const furthest = Math.max(Math.abs(first.min), Math.abs(first.max));
  const nearest = first.min <= 0 && first.max >= 0 ? 0 : Math.min(Math.abs(first.min), Math.abs(first.max));
  return { min: nearest, max: furthest };
}

/** What the metric can be in any of the classes. */
function metricRange(name: string, classes: readonly DeviceClass[]): Range {
  if (findContextName(name) !== undefined) return anyNumber;
  const ranges = classes.map((deviceClass) => {
    const metric = metricsOf[deviceClass][name];
    return metric?.kind === 'number' ? metric : anyNumber;
  });
  return ranges.length === 0 ? anyNumber : union(ranges);
}

function union(ranges: readonly Range[]): Range {
  return {
    min: Math.min(...ranges.map(({ min }) => min)),
    max: Math.max(...ranges.map(({ max }) => max)),
  };
}

function negated({ min, max }: Range): Range {
  // Not -0, which is written as such.
  return { min: 0 - max, max: 0 - min };
}

function sum(a: Range, b: Range): Range {
  return known({ min: a.min + b.min, max: a.max + b.max });
}

function product(a: Range, b: Range): Range {
  // Nothing of anything is nothing, also of what has no end.
  const times = (x: number, y: number) => (x === 0 || y === 0 ? 0 : x * y);
  const corners = [times(a.min, b.min), times(a.min, b.max), times(a.max, b.min), times(a.max, b.max)];
  return known({ min: Math.min(...corners), max: Math.max(...corners) });
}

function quotient(a: Range, b: Range): Range {
  if (b.min > 0 || b.max < 0) return product(a, { min: 1 / b.max, max: 1 / b.min });
  // As close to zero as one likes: without end, on one side where both have one sign.
  const sameSign = (a.min >= 0 && b.min >= 0) || (a.max <= 0 && b.max <= 0);
  return sameSign ? anyCount : anyNumber;
}

function known(range: Range): Range {
  return Number.isNaN(range.min) || Number.isNaN(range.max) ? anyNumber : range;
}
