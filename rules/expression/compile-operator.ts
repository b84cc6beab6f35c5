import type { BinaryOperator } from '@marcbachmann/cel-js';
import type { NumberValue, TruthValue, Value } from './value.js';

/** A compiled operation, or in a few words why the operands don't fit the operator. */
export type Operation = Value | { readonly kind: 'misfit'; readonly message: string };

type ReadNumber = NumberValue['read'];
type ReadTruth = TruthValue['read'];

const number = (read: ReadNumber): NumberValue => ({ kind: 'number', read });
const truth = (read: ReadTruth): TruthValue => ({ kind: 'truth', read });
const kindNames = { number: 'a number', word: 'a word', truth: 'a yes or no' } as const;

/**
 * Compiles an operator with two sides. All numbers are decimal numbers: 5 / 2 is 2.5. Whatever is compared
 * with or calculated from something unknown is unknown, and so is a division by zero.
 */
export function compileBinary(op: BinaryOperator, left: Value, right: Value): Operation {
  if (left.kind === 'broken' || right.kind === 'broken') return { kind: 'broken' };
  if (left.kind === 'number' && right.kind === 'number') return compileNumeric(op, left.read, right.read);
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

function compileNumeric(op: BinaryOperator, left: ReadNumber, right: ReadNumber): Operation {
  switch (op) {
    case '+':
      return number((sight) => left(sight) + right(sight));
    case '-':
      return number((sight) => left(sight) - right(sight));
    case '*':
      return number((sight) => left(sight) * right(sight));
    case '/':
      return number((sight) => {
        const divisor = right(sight);
        return divisor === 0 ? NaN : left(sight) / divisor;
      });
    case '%':
      return number((sight) => left(sight) % right(sight));
    case '<':
      return compare(left, right, (a, b) => a < b);
    case '<=':
      return compare(left, right, (a, b) => a <= b);
    case '>':
      return compare(left, right, (a, b) => a > b);
    case '>=':
      return compare(left, right, (a, b) => a >= b);
    case '==':
      return compare(left, right, (a, b) => a === b);
    case '!=':
      return compare(left, right, (a, b) => a !== b);
    case 'in':
      return { kind: 'misfit', message: '"in" needs a list on its right, such as power in ["on", "ready"].' };
  }
}

function compare(left: ReadNumber, right: ReadNumber, holds: (a: number, b: number) => boolean): TruthValue {
  return truth((sight) => {
    const a = left(sight);
    const b = right(sight);
    return Number.isNaN(a) || Number.isNaN(b) ? undefined : holds(a, b);
  });
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
  const readLeft = left.read;
  const readRight = right.read;
  return truth((sight) => {
    const a = readLeft(sight);
    if (a === deciding) return deciding;
    const b = readRight(sight);
    if (b === deciding) return deciding;
    return a === undefined || b === undefined ? undefined : !deciding;
  });
}

/** `!condition` and `-number`. */
export function compileUnary(op: '!_' | '-_', operand: Value): Operation {
  if (operand.kind === 'broken') return operand;
  if (op === '-_' && operand.kind === 'number') {
    const { read } = operand;
    return number((sight) => -read(sight));
  }
  if (op === '!_' && operand.kind === 'truth') {
    const { read } = operand;
    return truth((sight) => {
      const a = read(sight);
      return a === undefined ? undefined : !a;
    });
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
    return number((sight) => {
      const chosen = decide(sight);
      return chosen === undefined ? NaN : chosen ? yes.read(sight) : no.read(sight);
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
  let result: Operation = truth(() => false);
  for (const item of list) {
    const equal = compileBinary('==', value, item);
    if (equal.kind === 'misfit') return equal;
    result = compileLogic('||', result, equal);
    if (result.kind === 'misfit' || result.kind === 'broken') return result;
  }
  return result;
}
