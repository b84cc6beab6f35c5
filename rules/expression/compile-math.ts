import { calculate } from './compile-operator.js';
import { broken } from './value.js';
import type { NumberValue, Value } from './value.js';

/**
 * Compiles `math.greatest(a, b, …)`, `math.least(a, b, …)` or `math.abs(a)`; undefined when it is another method, or
 * its arguments are no numbers.
 */
export function compileMath(name: string, args: readonly Value[]): Value | undefined {
  const numbers: NumberValue[] = [];
  for (const arg of args) {
    if (arg.kind === 'broken') return broken;
    if (arg.kind !== 'number') return undefined;
    numbers.push(arg);
  }
  if (numbers.length === 0) return undefined;
  if (name === 'abs') return numbers.length > 1 ? undefined : calculate(numbers, ([a = NaN]) => Math.abs(a));
  if (name === 'greatest') return calculate(numbers, (all) => Math.max(...all));
  return name === 'least' ? calculate(numbers, (all) => Math.min(...all)) : undefined;
}
