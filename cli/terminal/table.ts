import Table from 'cli-table3';

/** A table with a heading row, as wide as its content. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const isTerminal = process.stdout.isTTY;
  const style = { head: isTerminal ? ['bold'] : [], border: isTerminal ? ['grey'] : [], compact: true };
  const table = new Table({ head: [...head], style });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** Names and values under each other, without lines. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

/** A path as a person would type it from here. */
export function shortPath(path: string, from = process.cwd()): string {
  return path.startsWith(`${from}/`) ? path.slice(from.length + 1) : path;
}
