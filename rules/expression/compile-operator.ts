import type { BinaryOperator } from '@marcbachmann/cel-js';
import { anything, both, certain, either, not, nothing } from './possible.js';
import type { Possible } from './possible.js';
import type { IsEmpty, NumberValue, TruthValue, Value } from './value.js';

/** A compiled operation, or in a few words why the operands don't fit the operator. */
export type Operation = Value | { readonly kind: 'misfit'; readonly message: string };

const number = (value: Omit<NumberValue, 'kind'>): NumberValue => ({ kind: 'number', ...value });
const truth = (read: TruthValue['read'], more: Omit<TruthValue, 'kind' | 'read'> = {}): TruthValue => ({
  kind: 'truth',
  read,
  ...more,
});
const kindNames = { number: 'a number', word: 'a word', truth: 'a yes or no' } as const;

/**
 * Compiles an operator with two sides. All numbers are decimal numbers: 5 / 2 is 2.5. Whatever is compared
 * with or calculated from something unknown is unknown, and so is a division by zero.
 */
export function compileBinary(op: BinaryOperator, left: Value, right: Value): Operation {
  if (left.kind === 'broken' || right.kind === 'broken') return { kind: 'broken' };
  if (left.kind === 'number' && right.kind === 'number') return compileNumeric(op, left, right);
  if (op === '==' || op === '!=') {
    const equal = op === '==';
    if (left.kind === 'word' && right.kind === 'word') {
      return truth((sight) => {
        const a = left.read(sight);
        const b = right.read(sight);
        if (a === undefined || b === undefined) return undefined;
        if (a !== b && (a === left.unsure || b === right.unsure)) return undefined;
        return (a === b) === equal;
      });
    }
    if (left.kind === 'truth' && right.kind === 'truth') {
      return truth((sight) => {
        const a = left.read(sight);
        const b = right.read(sight);
        return a === undefined || b === undefined ? undefined : (a === b) === equal;
      });
    }
  }
  const sides = `${kindNames[left.kind]} and ${kindNames[right.kind]}`;
  const hint = left.kind === right.kind ? '' : '; a metric that is 0 or 1 is compared like "occupied == 1"';
  return { kind: 'misfit', message: `"${op}" doesn't work on ${sides}${hint}.` };
}

const arithmetic: Partial<Record<BinaryOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? NaN : a / b),
  '%': (a, b) => a % b,
};

const comparisons: Partial<Record<BinaryOperator, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

function compileNumeric(op: BinaryOperator, left: NumberValue, right: NumberValue): Operation {
  const apply = arithmetic[op];
  if (apply !== undefined) return calculate([left, right], ([a = NaN, b = NaN]) => apply(a, b));
  const holds = comparisons[op];
  if (holds !== undefined) return compare(op, left, right, holds);
  return { kind: 'misfit', message: '"in" needs a list on its right, such as power in ["on", "ready"].' };
}

/** A number that is calculated from others; unknown where one of them is. */
export function calculate(
  from: readonly NumberValue[],
  apply: (numbers: readonly number[]) => number,
): NumberValue {
  const reads = from.map(({ read }) => read);
  // Filled anew each time: an evaluation allocates nothing.
  const read = reads.map(() => NaN);
  const fixed = from.flatMap((value) => value.fixed ?? []);
  return number({
    read: (sight) => {
      for (let i = 0; i < reads.length; i++) read[i] = (reads[i] as NumberValue['read'])(sight);
      return apply(read);
    },
    given: (isEmpty) => {
      const known = from.map(({ given }) => given?.(isEmpty));
      if (known.some((each) => each !== undefined && Number.isNaN(each))) return NaN;
      const numbers = known.filter((each) => each !== undefined);
      return numbers.length === known.length ? apply(numbers) : undefined;
    },
    fixed: fixed.length < from.length ? undefined : (device) => apply(fixed.map((each) => each(device))),
  });
}

function compare(
  op: BinaryOperator,
  left: NumberValue,
  right: NumberValue,
  holds: (a: number, b: number) => boolean,
): TruthValue {
  const given = (isEmpty: IsEmpty): Possible => {
    const a = left.given?.(isEmpty);
    const b = right.given?.(isEmpty);
    if (Number.isNaN(a) || Number.isNaN(b)) return nothing;
    return a === undefined || b === undefined ? anything : certain(holds(a, b));
  };
  const least =
    left.isSilence && (op === '>' || op === '>=')
      ? right.fixed
      : right.isSilence && (op === '<' || op === '<=')
        ? left.fixed
        : undefined;
  const [readLeft, readRight] = [left.read, right.read];
  return truth(
    (sight) => {
      const a = readLeft(sight);
      const b = readRight(sight);
      return Number.isNaN(a) || Number.isNaN(b) ? undefined : holds(a, b);
    },
    { given, leastSilence: least },
  );
}

/** `&&` and `||` over three truths: false && unknown is false, true || unknown is true. */
export function compileLogic(op: '&&' | '||', left: Value, right: Value): Operation {
  if (left.kind === 'broken' || right.kind === 'broken') return { kind: 'broken' };
  if (left.kind !== 'truth' || right.kind !== 'truth') {
    const side = left.kind !== 'truth' ? 'left' : 'right';
    return {
      kind: 'misfit',
      message: `"${op}" joins conditions, but its ${side} side is none; write a comparison, such as "occupied == 1".`,
    };
  }
  const deciding = op === '||';
  const [readLeft, readRight] = [left.read, right.read];
  const join = deciding ? either : both;
  return truth(
    (sight) => {
      const a = readLeft(sight);
      if (a === deciding) return deciding;
      const b = readRight(sight);
      if (b === deciding) return deciding;
      return a === undefined || b === undefined ? undefined : !deciding;
    },
    {
      given: (isEmpty) => join(left.given?.(isEmpty) ?? anything, right.given?.(isEmpty) ?? anything),
      leastSilence: joinLeast(op, left.leastSilence, right.leastSilence),
    },
  );
}

type Least = TruthValue['leastSilence'];

/** Of both conditions the longer silence is needed, of one of them the shorter. */
function joinLeast(op: '&&' | '||', left: Least, right: Least): Least {
  if (left !== undefined && right !== undefined) {
    const choose = op === '&&' ? Math.max : Math.min;
    return (device) => choose(left(device), right(device));
  }
  return op === '&&' ? (left ?? right) : undefined;
}

/** `!condition` and `-number`. */
export function compileUnary(op: '!_' | '-_', operand: Value): Operation {
  if (operand.kind === 'broken') return operand;
  if (op === '-_' && operand.kind === 'number') {
    return calculate([operand], ([a = NaN]) => -a);
  }
  if (op === '!_' && operand.kind === 'truth') {
    const { read, given } = operand;
    return truth(
      (sight) => {
        const a = read(sight);
        return a === undefined ? undefined : !a;
      },
      { given: given && ((isEmpty) => not(given(isEmpty))) },
    );
  }
  return op === '!_'
    ? { kind: 'misfit', message: '"!" negates conditions; write a comparison, such as "occupied == 0".' }
    : { kind: 'misfit', message: '"-" needs a number.' };
}

/** `condition ? a : b`. */
export function compileChoice(condition: Value, yes: Value, no: Value): Operation {
  if (condition.kind === 'broken' || yes.kind === 'broken' || no.kind === 'broken') return { kind: 'broken' };
  if (condition.kind !== 'truth') return { kind: 'misfit', message: '"?" needs a condition before it.' };
  const decide = condition.read;
  if (yes.kind === 'number' && no.kind === 'number') {
    return number({
      read: (sight) => {
        const chosen = decide(sight);
        return chosen === undefined ? NaN : chosen ? yes.read(sight) : no.read(sight);
      },
    });
  }
  if (yes.kind === 'truth' && no.kind === 'truth') {
    return truth((sight) => {
      const chosen = decide(sight);
      return chosen === undefined ? undefined : chosen ? yes.read(sight) : no.read(sight);
    });
  }
  return { kind: 'misfit', message: '"? :" needs two numbers or two conditions to choose from.' };
}

/** `value in [a, b]`: true as soon as one is equal. */
export function compileMembership(value: Value, list: readonly Value[]): Operation {
  let result: Operation = truth(() => false, { given: () => certain(false) });
  for (const item of list) {
    const equal = compileBinary('==', value, item);
    if (equal.kind === 'misfit') return equal;
    result = compileLogic('||', result, equal);
    if (result.kind === 'misfit' || result.kind === 'broken') return result;
  }
  return result;
}
