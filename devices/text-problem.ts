/** One mistake in a file that a person wrote. Lines and columns count from 1; without them it is about the file itself. */
export interface TextProblem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** One sentence: what is wrong and what to do. */
  readonly message: string;
}

/** A sentence about a file or set of files that is refused whole, and a line for each mistake in it. */
export function formatProblems(refusal: string, problems: readonly TextProblem[]): string {
  const [only] = problems;
  if (problems.length === 1 && only?.line === undefined) return `${refusal}: ${only?.file}: ${only?.message}`;
  const lines = problems.map(({ file, line, column, message }) =>
    line === undefined ? `  ${file}: ${message}` : `  ${file}:${line}:${column}: ${message}`,
  );
  const count = problems.length === 1 ? 'there is 1 mistake' : `there are ${problems.length} mistakes`;
  return `${refusal}, because ${count} in the files:\n${lines.join('\n')}`;
}
