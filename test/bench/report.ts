/** The middle value; of an even number the upper one of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Rounds to so many significant digits, for figures that people read. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}

/** Progress for whoever watches; nothing with `--json`, where the result is all that is printed. */
export function say(text: string): void {
  if (!wantsJson) process.stdout.write(`${text}\n`);
}

export const wantsJson = process.argv.includes('--json');

/** Prints the result: one JSON object on the last line with `--json`, else the sentences. */
export function report(result: Readonly<Record<string, number | null>>, sentences: readonly string[]): void {
  process.stdout.write(wantsJson ? `${JSON.stringify(result)}\n` : `\n${sentences.join('\n')}\n`);
}
