import { movedBy } from './moved-by.js';
import type { MovedBy } from './moved-by.js';
import type { ASTNode } from '@marcbachmann/cel-js';
import { toClause } from './clause.js';
import { findDeciders } from './deciders.js';
import type { Decider } from './deciders.js';
import type { Clause, Scope } from './scope.js';
import type { Sight } from './sight.js';
import type { TruthValue } from './value.js';

/** A condition, compiled once into closures that are called for every reading. */
export interface Expression {
  /** As written in the rule. */
  readonly text: string;
  readonly movedBy: MovedBy;
  /** It looks at silence or presence, so that it goes by pipeline time. */
  readonly isAboutSilence: boolean;
  /** It looks at windows or other memories. */
  readonly usesMemories: boolean;
  /** It asks whether alarms of other rules are active. */
  readonly isAboutAlarms: boolean;
  /** It asks how old a value is. */
  readonly isAboutAge: boolean;
  /** Of one about a group: the conditions that its devices are counted by, by their places. */
  readonly traits: readonly number[];
  readonly metrics: readonly string[];
  /** Memories that it looks at, by their places. */
  readonly places: readonly number[];
  /** Memories without which it can't hold, by their places: each of them. */
  readonly needs: readonly number[];
  /** Less seconds of silence, and it doesn't hold; without it nobody knows. */
  readonly leastSilence?: TruthValue['leastSilence'];
  /** Whether it holds; undefined when that is unknown, because a metric it needs is missing. */
  readonly test: (sight: Sight) => boolean | undefined;
  /** What it looked at, by the names used in its text. */
  readonly evidence: (sight: Sight) => Record<string, number | string>;
  /** Its comparisons and what else it joins, as written from left to right. */
  readonly clauses: readonly Clause[];
  /** What makes it hold or not hold; none where it is unknown. */
  readonly deciders: (sight: Sight) => readonly Decider[];
}

/** What is compiled in the scope as a condition of its own. */
export function toExpression(scope: Scope, text: string, ast: ASTNode, value: TruthValue): Expression {
  const { read, given, leastSilence } = value;
  const sources = [...scope.evidence];
  const clauses = scope.clauses.length > 0 ? scope.clauses : [toClause(scope, ast, value)];
  return {
    text,
    movedBy: movedBy(scope.uses, scope.about),
    isAboutSilence: scope.uses.silence,
    usesMemories: scope.uses.memories,
    isAboutAlarms: scope.rules.size > 0,
    isAboutAge: scope.uses.age,
    traits: [...scope.traits],
    metrics: [...scope.metrics],
    places: [...scope.places],
    needs: [...scope.places].filter((place) => given?.((each) => each === place).true === false),
    leastSilence,
    test: read,
    clauses,
    deciders: findDeciders(ast, clauses),
    evidence: (sight) => {
      const found: Record<string, number | string> = {};
      for (const [name, readSource] of sources) {
        const seen = readSource(sight);
        if (typeof seen === 'string') found[name] = seen;
        else if (seen !== undefined && !Number.isNaN(seen)) found[name] = Math.round(seen * 1000) / 1000;
      }
      return found;
    },
  };
}

/** The opposite of a condition: unknown where that is unknown. */
export function negate(expression: Expression): Expression {
  return {
    ...expression,
    text: negated(expression.text),
    needs: [],
    leastSilence: undefined,
    test: (sight) => {
      const holds = expression.test(sight);
      return holds === undefined ? undefined : !holds;
    },
  };
}

/** How the opposite of a condition is written. */
export function negated(text: string): string {
  return `!(${text})`;
}
