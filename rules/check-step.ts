import { parse } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../devices/device-class.js';
import { metricsOf } from '../devices/metric.js';
import { parseDuration } from './duration.js';
import type { StepDefinition } from './rule-schema.js';

/** A mistake in what a step says, though each of its conditions is right. */
interface StepProblem {
  readonly key: 'condition' | 'clear' | 'for';
  readonly message: string;
}

/** `left > limit`, with the side of the limit that it is true on. */
interface Limit {
  /** What is compared, as written without blanks. */
  readonly what: string;
  /** The metric itself, where it is one, or a mean, min or max of it. */
  readonly metric: string | undefined;
  readonly above: boolean;
  readonly orEqual: boolean;
  readonly limit: number;
}

const sayings = { true: 'above', false: 'below' } as const;

/** Finds conditions of the plain kind `x > 1000` that can never hold, and clear conditions that hold too soon. */
export function checkStep(
  { condition, clear, for: holdMs }: Pick<StepDefinition, 'condition' | 'clear' | 'for'>,
  classes: readonly DeviceClass[],
): readonly StepProblem[] {
  const problems: StepProblem[] = [];
  const raises = readLimit(condition);
  const clears = clear === undefined ? undefined : readLimit(clear);
  for (const [key, limit] of [
    ['condition', raises],
    ['clear', clears],
  ] as const) {
    const message = limit && whyNever(limit, classes);
    if (message !== undefined) problems.push({ key, message });
  }
  if (raises !== undefined && clears?.what === raises.what && overlap(raises, clears)) {
    const message =
      `The clear condition also holds where the alarm is raised (${raises.limit}), so that it would come and go; ` +
      `clear it ${sayings[raises.above ? 'false' : 'true']} ${raises.limit}.`;
    problems.push({ key: 'clear', message });
  }
  const longest = longestHold(parse(condition).ast);
  if (holdMs > longest) {
    const message =
      longest === 0
        ? 'An event is over at once, so that nothing holds: leave "for" out, or ask events(…, "10m") > 0.'
        : 'It has to hold for longer than it looks back: what it looks for has left that time by then. Make "for" ' +
          'shorter than the time in the condition.';
    problems.push({ key: 'for', message });
  }
  return problems;
}

/** Whether there are values on the sides of both. */
function overlap(a: Limit, b: Limit): boolean {
  if (a.above === b.above) return true;
  const [above, below] = a.above ? [a, b] : [b, a];
  return above.limit < below.limit || (above.limit === below.limit && above.orEqual && below.orEqual);
}

function whyNever(
  { metric, above, orEqual, limit }: Limit,
  classes: readonly DeviceClass[],
): string | undefined {
  if (metric === undefined) return undefined;
  const ranges = classes.map((deviceClass) => metricsOf[deviceClass][metric]);
  const never = ranges.every((range) => {
    if (range?.kind !== 'number') return false;
    const end = above ? range.max : range.min;
    return above ? limit > end || (limit === end && !orEqual) : limit < end || (limit === end && !orEqual);
  });
  const [range] = ranges;
  if (!never || range?.kind !== 'number') return undefined;
  return (
    `It can never hold: ${metric} is between ${range.min} and ${range.max} ${range.unit}`.trimEnd() + '.'
  );
}

function readLimit(text: string): Limit | undefined {
  const { ast } = parse(text);
  if (ast.op !== '>' && ast.op !== '>=' && ast.op !== '<' && ast.op !== '<=') return undefined;
  const [left, right] = ast.args;
  const limit = numberIn(right);
  if (limit === undefined) return undefined;
  const what = text.slice(left.start, left.end).replace(/\s/g, '');
  return {
    what,
    metric: metricIn(left),
    above: ast.op.startsWith('>'),
    orEqual: ast.op.endsWith('='),
    limit,
  };
}

function numberIn(node: ASTNode): number | undefined {
  if (node.op === '-_') {
    const number = numberIn(node.args);
    return number === undefined ? undefined : -number;
  }
  if (node.op !== 'value') return undefined;
  return typeof node.args === 'bigint' || typeof node.args === 'number' ? Number(node.args) : undefined;
}

const sameRange = new Set(['mean', 'min', 'max', 'last', 'previous', 'quantile']);

function metricIn(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== 'call' || !sameRange.has(node.args[0])) return undefined;
  const [metric] = node.args[1];
  return metric?.op === 'id' ? metric.args : undefined;
}

const counting = new Set(['events', 'changes', 'resets']);

/**
 * How long a condition can hold after a single event or change, ms: as long as it looks back. Infinity where it looks
 * at what can last.
 */
function longestHold(node: ASTNode): number {
  if (node.op === '&&') return Math.min(longestHold(node.args[0]), longestHold(node.args[1]));
  if (node.op === '||') return Math.max(longestHold(node.args[0]), longestHold(node.args[1]));
  if (node.op === '>' || node.op === '>=') {
    const [call] = node.args;
    return call.op === 'call' && counting.has(call.args[0]) ? lastTime(call.args[1]) : Infinity;
  }
  if (node.op !== 'call') return Infinity;
  const [name, args] = node.args;
  if (name === 'event') return 0;
  return name === 'then' ? lastTime(args) : Infinity;
}

function lastTime(args: readonly ASTNode[]): number {
  const time = args.at(-1);
  const ms = time?.op === 'value' && typeof time.args === 'string' ? parseDuration(time.args) : undefined;
  return ms ?? Infinity;
}
