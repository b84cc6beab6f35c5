import { formatProblems } from '../devices/text-problem.js';
import type { TextProblem } from '../devices/text-problem.js';

/** A set of rules that is refused whole, with every mistake that was found in it. */
export class RuleSetError extends Error {
  readonly code = 'bad_rules';
  readonly retryable = false;
  readonly problems: readonly TextProblem[];

  constructor(problems: readonly TextProblem[]) {
    super(formatProblems('No rule was loaded', problems));
    this.name = 'RuleSetError';
    this.problems = problems;
  }
}
