/** One mistake in a rule file. Lines and columns count from 1; without them it is about the file or folder itself. */
export interface RuleProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
}

/** A set of rules that is refused whole, with every mistake that was found in it. */
export class RuleSetError extends Error {
  readonly code = 'bad_rules';
  readonly retryable = false;
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[]) {
    const lines = problems.map(({ file, line, column, message }) =>
      line === undefined ? `  ${file}: ${message}` : `  ${file}:${line}:${column}: ${message}`,
    );
    const count = problems.length === 1 ? 'is 1 mistake' : `are ${problems.length} mistakes`;
    super(`No rule was loaded, because there ${count} in the rule files:\n${lines.join('\n')}`);
    this.name = 'RuleSetError';
    this.problems = problems;
  }
}
