import Table from 'cli-table3';
import stringWidth from 'string-width';
import { fitColumns } from './fit-columns.js';
import { terminalWidth, wrapText } from './wrap-text.js';

/** A table of more rows than that is not drawn: drawing the lines of 17,000 takes a minute, and nobody sees them. */
const mostDrawn = 500;

/**
 * A table with a heading row. On a terminal it is no wider than that: its widest columns are wrapped between words;
 * where there is no room for lines there are none, and where not even the words fit each row is told line by line.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  width = terminalWidth(),
): string {
  const all = [head, ...rows].map((row) => row.map(String));
  const natural = head.map((_, column) => widest(all, column, stringWidthOf));
  if (rows.length > mostDrawn) return formatColumns(all, natural);
  const least = head.map((_, column) => widest(all, column, wordWidthOf));
  // Each column has a line to its left and a blank on both sides.
  const boxed = fitColumns(natural, width - 3 * head.length - 1, least);
  if (boxed !== undefined) return drawTable(all, boxed);
  const bare = fitColumns(natural, width - columnGap * (head.length - 1), least);
  if (bare !== undefined) return formatColumns(all, bare);
  return rows.map((row) => formatPairs(pairsOf(head, row), width)).join('\n\n');
}

function widest(rows: readonly (readonly string[])[], column: number, of: (cell: string) => number): number {
  return rows.reduce((width, row) => Math.max(width, of(row[column] ?? '')), 0);
}

function drawTable(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const isTerminal = process.stdout.isTTY;
  const [head = [], ...cells] = wrapCells(rows, widths);
  const style = {
    head: isTerminal ? ['bold'] : [],
    border: isTerminal ? ['grey'] : [],
    // Lines between the rows only where it would not be seen otherwise where one ends.
    compact: !cells.some((row) => row.some((cell) => cell.includes('\n'))),
  };
  const table = new Table({ head, style });
  table.push(...cells);
  return table.toString();
}

function wrapCells(rows: readonly (readonly string[])[], widths: readonly number[]): string[][] {
  return rows.map((row) => row.map((cell, column) => wrapText(cell, widths[column] ?? Infinity)));
}

const columnGap = 2;

/** Rows in columns, with nothing but blanks between them. */
function formatColumns(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const wrapped = rows.length > mostDrawn ? rows : wrapCells(rows, widths);
  return wrapped
    .flatMap((row) => {
      const cells = row.map((cell) => cell.split('\n'));
      const height = Math.max(...cells.map((lines) => lines.length));
      return Array.from({ length: height }, (_, line) =>
        cells
          .map((lines, column) => {
            const text = lines[line] ?? '';
            return text + ' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidthOf(text)) + columnGap);
          })
          .join('')
          .trimEnd(),
      );
    })
    .join('\n');
}

function pairsOf(head: readonly string[], row: readonly (string | number)[]): [string, string][] {
  return row.flatMap((cell, column): [string, string][] =>
    cell === '' ? [] : [[head[column] ?? '', String(cell).replaceAll('\n', '; ')]],
  );
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

/** How wide its longest word is, which is not to be broken; Chinese breaks anywhere. */
function wordWidthOf(cell: string): number {
  return (cell.match(/[!-~]+/g) ?? []).reduce((width, word) => Math.max(width, word.length), 0);
}
