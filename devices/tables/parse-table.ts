import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { nearest } from '../did-you-mean.js';
import { plain } from '../words.js';
import { columnsOf, ignoredColumns, tableNames } from './columns.js';
import type { Column, TableName } from './columns.js';
import { shown } from './cell.js';
import { unguardFormula } from './formula-guard.js';
import type { TableProblem } from './table-problem.js';

/** A file whose header was understood. */
export interface ParsedTable {
  readonly file: string;
  readonly table: TableName;
  /** Columns in the order of the file; undefined are those to pass over. */
  readonly columns: readonly (HeadedColumn | undefined)[];
  readonly rows: readonly { readonly row: number; readonly cells: readonly string[] }[];
}

/** A column with the heading that the file gives it. */
export interface HeadedColumn extends Column {
  readonly heading: string;
}

export type Report = (problem: TableProblem) => void;

/**
 * Takes the text of a CSV file apart and finds out by its header which table it is.
 * @returns undefined when nothing more can be said about it than what was reported
 */
export function parseTable(file: string, text: string, report: Report): ParsedTable | undefined {
  let records: string[][];
  try {
    records = parse(text, { delimiter: findDelimiter(text), relax_column_count: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const before = error['records'];
    const row = typeof before === 'number' ? before + 1 : undefined;
    const message = 'the quotes of this row are not right: a cell with quotes is written "like ""this""".';
    report({ file, row, message });
    return undefined;
  }
  const header = (records[0] ?? []).map((cell) => cell.trim());
  const table = recognise(header);
  if (table === undefined) {
    report({ file, row: 1, message: unknownHeader() });
    return undefined;
  }
  const columns = readHeader(file, table, header, report);
  const rows: { row: number; cells: string[] }[] = [];
  records.forEach((record, i) => {
    if (i === 0) return;
    const row = i + 1;
    const cells = record.map((cell) => unguardFormula(cell.trim()));
    if (cells.every((cell) => cell === '')) return;
    const extra = cells.slice(header.length).some((cell) => cell !== '');
    if (extra || cells.length < header.length) {
      const message = `the row has ${cells.length} cells but the header has ${header.length}: check separators and quotes.`;
      report({ file, row, message });
    } else rows.push({ row, cells });
  });
  return { file, table, columns, rows };
}

/** The separator that makes the most of the header; a spreadsheet program uses the one of its locale. */
function findDelimiter(text: string): string {
  const firstLine = text.split(/[\r\n]/, 1)[0] ?? '';
  const known = (delimiter: string) =>
    firstLine.split(delimiter).filter((cell) => isKnown(plain(cell.replaceAll('"', '')))).length;
  return [',', ';', '\t'].reduce((best, each) => (known(each) > known(best) ? each : best));
}

const namesOfTable = new Map<TableName, ReadonlyMap<string, Column>>(
  tableNames.map((table) => [
    table,
    new Map(
      columnsOf[table].flatMap((column) =>
        [column.name, column.zh, ...column.also].map((name): [string, Column] => [plain(name), column]),
      ),
    ),
  ]),
);
const ignored = new Set(ignoredColumns.map(plain));

function isKnown(name: string): boolean {
  return [...namesOfTable.values()].some((names) => names.has(name));
}

/** The table most of whose columns the header has, misspelt ones among them, and of whose it lacks the fewest. */
function recognise(header: readonly string[]): TableName | undefined {
  let best: TableName | undefined;
  let bestScore = 0;
  for (const table of tableNames) {
    const names = namesOfTable.get(table);
    const found = new Set(header.flatMap((cell) => names?.get(plain(cell)) ?? []));
    const unseen = columnsOf[table].filter((column) => !found.has(column)).map(({ name }) => name);
    const misspelt = header.filter(
      (cell) => cell !== '' && names?.has(plain(cell)) !== true && nearest(cell, unseen) !== undefined,
    ).length;
    const lacking = columnsOf[table].filter((column) => column.required && !found.has(column)).length;
    const score = found.size + misspelt / 2 - lacking / 10;
    if (found.size >= 2 && score > bestScore) [best, bestScore] = [table, score];
  }
  return best;
}

function readHeader(
  file: string,
  table: TableName,
  header: readonly string[],
  report: Report,
): (HeadedColumn | undefined)[] {
  const names = namesOfTable.get(table);
  const seen = new Map<Column, string>();
  const columns = header.map((heading) => {
    const column = names?.get(plain(heading));
    if (column === undefined) {
      if (heading !== '' && !ignored.has(plain(heading))) {
        const message = `a table of ${table} has no column "${shown(heading)}".${hintFor(heading, table)} To keep notes, call it "note" or "备注".`;
        report({ file, row: 1, column: shown(heading), message });
      }
      return undefined;
    }
    const before = seen.get(column);
    if (before !== undefined) {
      const message = `"${before}" and "${heading}" are the same column: keep one of them.`;
      report({ file, row: 1, column: heading, message });
      return undefined;
    }
    seen.set(column, heading);
    return { ...column, heading };
  });
  for (const column of columnsOf[table]) {
    if (!column.required || seen.has(column)) continue;
    const message = `a table of ${table} needs the column "${column.name}" (${column.zh}): add it.`;
    report({ file, row: 1, column: column.name, message });
  }
  return columns;
}

/** Which column was probably meant, by both its headings, or which there are. */
function hintFor(heading: string, table: TableName): string {
  const both = ({ name, zh }: Column) => `"${name}" (${zh})`;
  const names = namesOfTable.get(table);
  const meant = names?.get(
    nearest(
      heading,
      [...names.keys()].filter((name) => isNear(heading, name)),
    ) ?? '',
  );
  if (meant !== undefined) return ` Did you mean ${both(meant)}?`;
  return ` Known are: ${columnsOf[table].map(both).join(', ')}.`;
}

/** A Chinese heading has few characters: of two that have nothing to do with each other they differ in few, too. */
function isNear(heading: string, name: string): boolean {
  if (!/\p{Script=Han}/u.test(heading)) return true;
  const characters = Array.from(plain(heading));
  return characters.filter((character) => name.includes(character)).length > characters.length / 2;
}

function unknownHeader(): string {
  const headers = tableNames.map((table) => {
    const names = columnsOf[table]
      .filter(({ required }) => required)
      .map(({ name, zh }) => `${name} (${zh})`);
    return `${table}: ${names.join(', ')}`;
  });
  return `the first row is the header of none of the tables. It needs at least these columns: ${headers.join('; ')}.`;
}
