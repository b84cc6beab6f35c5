import Table from 'cli-table3';
import stringWidth from 'string-width';
import { fitColumns } from './fit-columns.js';
import { terminalWidth, wrapText } from './wrap-text.js';

/** A table of more rows than that is not drawn: drawing the lines of 17,000 takes a minute, and nobody sees them. */
const mostDrawn = 500;

/** A table with a heading row. On a terminal it is no wider than that: its widest columns are wrapped. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  width = terminalWidth(),
): string {
  if (rows.length > mostDrawn) return formatColumns([head, ...rows]);
  const isTerminal = process.stdout.isTTY;
  const all = [head, ...rows].map((row) => row.map(String));
  const natural = head.map((_, column) => Math.max(...all.map((row) => stringWidthOf(row[column] ?? ''))));
  // Each column has a line to its left and a blank on both sides.
  const widths = fitColumns(natural, width - 3 * head.length - 1);
  const [headCells = [], ...cells] = all.map((row) =>
    row.map((cell, column) => wrapText(cell, widths[column] ?? Infinity)),
  );
  const hasTallRows = cells.some((row) => row.some((cell) => cell.includes('\n')));
  const style = {
    head: isTerminal ? ['bold'] : [],
    border: isTerminal ? ['grey'] : [],
    // Lines between the rows only where it would not be seen otherwise where one ends.
    compact: !hasTallRows,
  };
  const table = new Table({ head: headCells, style });
  table.push(...cells);
  return table.toString();
}

/** Rows in columns, with nothing but blanks between them. */
function formatColumns(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map(String));
  const widths = (cells[0] ?? []).map((_, column) =>
    cells.reduce((width, row) => Math.max(width, stringWidthOf(row[column] ?? '')), 0),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - stringWidthOf(cell) + 2))
      .join('')
      .trimEnd(),
  );
  return lines.join('\n');
}

/** Names and values under each other, without lines; a long value is wrapped beside its name. */
export function formatPairs(
  pairs: readonly (readonly [name: string, value: string])[],
  width = terminalWidth(),
): string {
  const indent = Math.max(...pairs.map(([name]) => stringWidth(name))) + 4;
  return pairs
    .map(([name, value]) => {
      const wrapped = wrapText(value, width - indent).replaceAll('\n', `\n${' '.repeat(indent)}`);
      return `  ${name}${' '.repeat(indent - 2 - stringWidth(name))}${wrapped}`;
    })
    .join('\n');
}

/** A path as a person would type it from here. */
export function shortPath(path: string, from = process.cwd()): string {
  return path.startsWith(`${from}/`) ? path.slice(from.length + 1) : path;
}

const plain = /^[ -~]*$/;

function stringWidthOf(cell: string): number {
  if (plain.test(cell)) return cell.length;
  return Math.max(...cell.split('\n').map((line) => stringWidth(line)));
}
