import type { Severity } from '../alarm.js';
import type { Expression } from '../expression/expression.js';
import type { Sight } from '../expression/sight.js';
import type { AlarmState, StepState } from './alarm-state.js';
import type { BoundRule } from './program.js';

/** A comparison, or what else a condition joins, as it stands. */
export interface InspectedClause {
  readonly text: string;
  /** Undefined: unknown, because something that it needs is missing. */
  readonly holds: boolean | undefined;
  /** Both sides of a comparison of numbers; undefined where unknown. */
  readonly left?: number | undefined;
  readonly right?: number | undefined;
}

export interface InspectedCondition {
  readonly text: string;
  readonly holds: boolean | undefined;
  /** How long it has to hold, ms. */
  readonly holdMs: number;
  readonly clauses: readonly InspectedClause[];
  /** What it looks at, by the names used in its text; what is unknown is left out. */
  readonly values: Readonly<Record<string, number | string>>;
  /** Metrics that it looks at and that nothing is known of. */
  readonly missing: readonly string[];
}

export interface InspectedStep {
  readonly severity: Severity;
  readonly phase: StepState['phase'];
  /** Since when its condition (pending) or clear condition (clearing) has held; epoch ms. */
  readonly since: number | undefined;
  readonly condition: InspectedCondition;
  readonly clear: InspectedCondition;
}

/** How a rule stands for a device, a part or a group. */
export interface Inspection {
  readonly part: string | undefined;
  /** The time that it is judged as of, epoch ms. */
  readonly at: number;
  /** Since when its alarm is active; undefined without one. */
  readonly activeSince: number | undefined;
  readonly severity: Severity | undefined;
  readonly steps: readonly InspectedStep[];
}

/** Says how a rule stands where the sight does; changes nothing. */
export function inspectRule({ steps }: BoundRule, alarm: AlarmState | undefined, sight: Sight): Inspection {
  const isActive = alarm !== undefined && alarm.level >= 0;
  return {
    part: sight.part,
    at: sight.at,
    activeSince: isActive ? alarm.raisedAt : undefined,
    severity: isActive ? steps[alarm.level]?.severity : undefined,
    steps: steps.map(({ severity, condition, holdMs, clear, clearHoldMs }, i) => {
      const { phase = 'rest', since } = alarm?.steps[i] ?? {};
      return {
        severity,
        phase,
        since: phase === 'rest' ? undefined : since,
        condition: inspectCondition(condition, holdMs, sight),
        clear: inspectCondition(clear, clearHoldMs, sight),
      };
    }),
  };
}

function inspectCondition(expression: Expression, holdMs: number, sight: Sight): InspectedCondition {
  const known = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? undefined : value;
  const values = expression.evidence(sight);
  return {
    text: expression.text,
    holds: expression.test(sight),
    holdMs,
    clauses: expression.clauses.map(({ text, holds, left, right }) => ({
      text,
      holds: holds(sight),
      left: known(left?.(sight)),
      right: known(right?.(sight)),
    })),
    values,
    missing: expression.metrics.filter((name) => values[name] === undefined),
  };
}
