import type { Ending } from '../alarm.js';
import { negated } from '../expression/expression.js';
import type { Expression } from '../expression/expression.js';
import type { Sight } from '../expression/sight.js';
import type { RuleStep } from '../rule.js';

/** What a step was cleared by, where that says nothing of whether the fault is over; else undefined. */
export function endingOf({ condition, clear }: RuleStep<Expression>, sight: Sight): Ending | undefined {
  const deciders = clear.deciders(sight);
  const moments = deciders.filter(({ kind }) => kind === 'moment');
  // Where the rule says itself what is to be measured before it is over, that is enough.
  const isWritten = clear.text !== negated(condition.text);
  const isMeasured = deciders.some(({ kind }) => kind === 'measured');
  if (deciders.length === 0 || (isMeasured && (isWritten || moments.length === 0))) return undefined;
  const [kind, told] =
    moments.length > 0 ? (['moment', moments] as const) : (['circumstance', deciders] as const);
  return { kind, clauses: told.map(({ text }) => text) };
}
