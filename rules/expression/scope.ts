import type { DeviceClass } from '../../devices/device-class.js';
import { metricsOf } from '../../devices/metric.js';
import type { Metric } from '../../devices/metric.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import type { Sight } from './sight.js';
import type { Window } from './window.js';

/** A mistake in an expression; `offset` counts characters of the expression's text from 0. */
export interface ExpressionProblem {
  readonly offset: number;
  readonly message: string;
}

/** What is known and found out while one expression is compiled. */
export interface Scope {
  readonly text: string;
  /** Device classes the expression must make sense for. */
  readonly classes: readonly DeviceClass[];
  readonly problems: ExpressionProblem[];
  readonly metrics: Set<string>;
  readonly windows: Map<string, Window>;
  /** Where to read what the expression uses, by the name it has there. */
  readonly evidence: Map<string, (sight: Sight) => number | string | undefined>;
  /** It looks at silence or presence, which the passing of time moves. */
  usesTime: boolean;
}

/** Names that are no metrics but that conditions can use. */
const contextNames = ['silence_s', 'interval_s', 'presence'] as const;

export function createScope(text: string, classes: readonly DeviceClass[]): Scope {
  return {
    text,
    classes,
    problems: [],
    metrics: new Set(),
    windows: new Map(),
    evidence: new Map(),
    usesTime: false,
  };
}

/**
 * The metric of that name, which every class of the rule must have; undefined, with the mistake reported,
 * when one of them doesn't.
 */
export function findMetric(scope: Scope, name: string, offset: number): Metric | undefined {
  for (const deviceClass of scope.classes) {
    const metrics = metricsOf[deviceClass];
    if (!Object.hasOwn(metrics, name)) {
      const hint = didYouMean(name, [...Object.keys(metrics), ...contextNames]);
      scope.problems.push({ offset, message: `"${name}" is no metric of class ${deviceClass}.${hint}` });
      return undefined;
    }
  }
  const [first] = scope.classes;
  return first === undefined ? undefined : metricsOf[first][name];
}
