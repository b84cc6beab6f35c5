import { broken } from './value.js';
import type { NumberValue, Value } from './value.js';

/**
 * Compiles `math.greatest(a, b, …)`, `math.least(a, b, …)` or `math.abs(a)`; undefined when it is another method, or
 * its arguments are no numbers.
 */
export function compileMath(name: string, args: readonly Value[]): Value | undefined {
  const reads: NumberValue['read'][] = [];
  for (const arg of args) {
    if (arg.kind === 'broken') return broken;
    if (arg.kind !== 'number') return undefined;
    reads.push(arg.read);
  }
  const [first, ...rest] = reads;
  if (first === undefined) return undefined;
  if (name === 'abs')
    return rest.length > 0 ? undefined : { kind: 'number', read: (sight) => Math.abs(first(sight)) };
  if (name !== 'greatest' && name !== 'least') return undefined;
  const choose = name === 'greatest' ? Math.max : Math.min;
  const read = rest.reduce<NumberValue['read']>((a, b) => (sight) => choose(a(sight), b(sight)), first);
  return { kind: 'number', read };
}
