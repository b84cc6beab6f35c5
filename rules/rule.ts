import type { DeviceClass } from '../devices/device-class.js';
import type { Bilingual, Severity } from './alarm.js';
import type { CheckedExpression } from './expression/compile-expression.js';
import type { Causality } from './causality.js';
import type { GroupKind } from './group-kind.js';

/** `shadow`: evaluated and recorded, but nobody is alerted. */
export const ruleModes = ['on', 'shadow', 'off'] as const;
export type RuleMode = (typeof ruleModes)[number];

/** One severity that an alarm of a rule can have. */
export interface RuleStep<Condition> {
  readonly severity: Severity;
  /** Takes the alarm to this severity when it has held for `holdMs`. */
  readonly condition: Condition;
  readonly holdMs: number;
  /** Takes it down again when it has held for `clearHoldMs`. */
  readonly clear: Condition;
  readonly clearHoldMs: number;
}

/** A step whose conditions were checked; without a clear condition it is over when its condition no longer holds. */
export interface CheckedStep extends Omit<RuleStep<CheckedExpression>, 'clear'> {
  readonly clear: CheckedExpression | undefined;
}

/** A rule without mistakes: what its file says, with the conditions checked. */
export interface CompiledRule {
  readonly id: string;
  /** Short hash of what the rule says; comments and layout of its file don't change it. */
  readonly version: string;
  readonly title: Bilingual;
  /** What is behind it, for those who wonder. */
  readonly explanation: Bilingual | undefined;
  readonly advice: Bilingual;
  /** Where the limit comes from and how sure that is. */
  readonly source: string;
  readonly classes: readonly DeviceClass[];
  /** Its alarms are about such a group of devices; undefined: about a device or a part of it. */
  readonly group: GroupKind | undefined;
  /** From the mildest to the most severe. */
  readonly steps: readonly CheckedStep[];
  readonly mode: RuleMode;
  readonly causality: Causality;
  /** Where it is written. */
  readonly file: string;
  readonly line: number;
  /** Where the rule of the catalogue is written that it stands in place of, `file:line`. */
  readonly replaces?: string | undefined;
}
