import type { TextProblem } from '../devices/text-problem.js';
import type { CompiledRule } from './rule.js';

/** A rule of a file, with where things stand in it. */
export interface PlacedRule {
  readonly rule: CompiledRule;
  /** The problem with its place in the file; the path is that of a key of the rule. */
  readonly problemAt: (path: readonly (string | number)[], message: string, offset?: number) => TextProblem;
}
