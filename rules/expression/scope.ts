import type { ASTNode } from '@marcbachmann/cel-js';
import type { DeviceClass } from '../../devices/device-class.js';
import { metricsOf } from '../../devices/metric.js';
import type { Metric } from '../../devices/metric.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { contextNames } from './context-names.js';
import type { Uses } from './moved-by.js';
import { Plan } from './plan.js';
import type { Sight } from './sight.js';

/** A mistake in an expression; `offset` counts characters of the expression's text from 0. */
export interface ExpressionProblem {
  readonly offset: number;
  readonly message: string;
}

/** A comparison in an expression, for those who ask why. */
export interface Clause {
  /** Where it stands, without what negates it. */
  readonly node: ASTNode;
  readonly text: string;
  /** Its opposite, as it would be written. */
  readonly opposite: string;
  /** It is the opposite of what stands there. */
  readonly isNegated: boolean;
  readonly holds: (sight: Sight) => boolean | undefined;
  /** Both sides of a comparison of numbers. */
  readonly left?: ((sight: Sight) => number) | undefined;
  readonly right?: ((sight: Sight) => number) | undefined;
  /** Of a sequence, what it looks at. */
  readonly sequence?: Sequence | undefined;
}

/** What a sequence such as `then(a, b, "5m")` looks at. */
export interface Sequence {
  readonly conditions: readonly {
    readonly text: string;
    readonly read: (sight: Sight) => boolean | undefined;
  }[];
  /** When the first condition last held, or since when the second one is waited for; NaN: not at all. */
  readonly at: (sight: Sight) => number;
}

/** What is known and found out while one expression is compiled. */
export interface Scope {
  readonly text: string;
  /** Device classes the expression must make sense for. */
  readonly classes: readonly DeviceClass[];
  /** What it is about: a device, or a group of them. */
  readonly about: 'device' | 'group';
  /** Whether metrics are those of one reading, or the last that is known. */
  readonly metricsOf: 'reading' | 'device';
  /** Where what it needs gets its place. */
  readonly plan: Plan;
  readonly problems: ExpressionProblem[];
  readonly metrics: Set<string>;
  /** Rules that it refers to, with the place where it does. */
  readonly rules: Map<string, number>;
  /** Where to read what the expression uses, by the name it has there. */
  readonly evidence: Map<string, (sight: Sight) => number | string | undefined>;
  /** Conditions that the devices of a group are counted by, by their places in the plan. */
  readonly traits: Set<number>;
  readonly clauses: Clause[];
  /** Memories that it looks at, by their places in the plan. */
  readonly places: Set<number>;
  /** Sequences, by where they stand. */
  readonly sequences: Map<ASTNode, Sequence>;
  readonly uses: Uses;
}

export function createScope(
  text: string,
  classes: readonly DeviceClass[],
  about: Scope['about'] = 'device',
  plan = new Plan(),
  readings: Scope['metricsOf'] = 'device',
): Scope {
  return {
    text,
    classes,
    about,
    metricsOf: readings,
    plan,
    problems: [],
    metrics: new Set(),
    rules: new Map(),
    traits: new Set(),
    evidence: new Map(),
    clauses: [],
    places: new Set(),
    sequences: new Map(),
    uses: { silence: false, ticks: false, events: false, memories: false, age: false },
  };
}

/** A scope for a condition within the expression, whose mistakes are the expression's. */
export function innerScope(scope: Scope, readings: Scope['metricsOf'] = 'reading'): Scope {
  return {
    ...createScope(scope.text, scope.classes, 'device', scope.plan, readings),
    problems: scope.problems,
  };
}

/** Reports a mistake. */
export function refuse(scope: Scope, offset: number, message: string): { readonly kind: 'broken' } {
  scope.problems.push({ offset, message });
  return { kind: 'broken' };
}

/**
 * The metric of that name, which every class of the rule must have; undefined, with the mistake reported,
 * when one of them doesn't.
 */
export function findMetric(scope: Scope, name: string, offset: number): Metric | undefined {
  if (scope.about === 'group') {
    const message =
      `A rule with "group" is about many devices: ask member_share(condition) or members(condition), ` +
      `such as member_share(${name} > 1) > 0.3.`;
    refuse(scope, offset, message);
    return undefined;
  }
  for (const deviceClass of scope.classes) {
    const metrics = metricsOf[deviceClass];
    if (!Object.hasOwn(metrics, name)) {
      const hint = didYouMean(name, [...Object.keys(metrics), ...contextNames]);
      refuse(scope, offset, `"${name}" is no metric of class ${deviceClass}.${hint}`);
      return undefined;
    }
  }
  const [first] = scope.classes;
  return first === undefined ? undefined : metricsOf[first][name];
}

/** The text of a part of the expression. */
export function textOf(
  scope: Scope,
  { start, end }: { readonly start: number; readonly end: number },
): string {
  return scope.text.slice(start, end);
}
