import type { DeviceClass } from '../devices/device-class.js';
import type { Bilingual, Severity } from './alarm.js';
import type { Expression } from './expression/compile-expression.js';

/** A rule ready to be evaluated: what its file says, with the conditions compiled. */
export interface CompiledRule {
  readonly id: string;
  /** Short hash of what the rule says; comments and layout of its file don't change it. */
  readonly version: string;
  readonly title: Bilingual;
  readonly advice: Bilingual;
  /** Where the limit comes from and how sure that is. */
  readonly source: string;
  readonly classes: readonly DeviceClass[];
  readonly severity: Severity;
  /** Raises the alarm when it has held for `holdMs`. */
  readonly condition: Expression;
  readonly holdMs: number;
  /** Clears the alarm when it has held for `clearHoldMs`. */
  readonly clear: Expression;
  readonly clearHoldMs: number;
}
