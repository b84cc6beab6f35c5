import type { ASTNode } from '@marcbachmann/cel-js';
import type { Clause, Scope } from './scope.js';
import { textOf } from './scope.js';
import type { TruthValue } from './value.js';

/** A part of an expression that is true or false, as a clause of it. */
export function toClause(scope: Scope, node: ASTNode, { read }: TruthValue): Clause {
  const text = textOf(scope, node);
  const isWord = node.op === 'id' || node.op === 'call';
  return {
    node,
    text,
    opposite: isWord ? `!${text}` : `!(${text})`,
    isNegated: false,
    holds: read,
    sequence: scope.sequences.get(node),
  };
}

/** The clause with "!" before it. */
export function negateClause(clause: Clause): Clause {
  const { text, opposite, isNegated, holds } = clause;
  return {
    ...clause,
    text: opposite,
    opposite: text,
    isNegated: !isNegated,
    holds: (sight) => {
      const held = holds(sight);
      return held === undefined ? undefined : !held;
    },
  };
}
