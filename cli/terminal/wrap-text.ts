import wrapAnsi from 'wrap-ansi';

/** How many columns the terminal has; without end where there is none, so that a line stays a line for grep. */
export function terminalWidth(output: NodeJS.WriteStream = process.stdout): number {
  return output.isTTY && output.columns > 0 ? output.columns : Infinity;
}

/** The text in lines no wider than that, broken between words where they fit; Chinese counts double. */
export function wrapText(text: string, width: number): string {
  return width === Infinity ? text : wrapAnsi(text, Math.max(width, 1), { hard: true, trim: true });
}

/** The same, with the lines after the first one indented. */
export function wrapHanging(text: string, width: number, indent: number): string {
  const [first = '', ...rest] = wrapText(text.trimStart(), width - indent).split('\n');
  const lead = /^ */.exec(text)?.[0] ?? '';
  return [lead + first, ...rest.map((line) => ' '.repeat(indent) + line)].join('\n');
}
