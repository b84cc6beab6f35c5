import { decodeText } from './decode-text.js';
import type { TableName, TableRecords } from './columns.js';
import { parseTable } from './parse-table.js';
import type { ParsedTable, Report } from './parse-table.js';
import type { TableProblem } from './table-problem.js';

/** A row of a file: its place, and the fields of the record that the file has columns for. */
export interface TableRow<Record> {
  readonly place: ParsedTable;
  readonly row: number;
  /** A field whose cell is empty is there and undefined; one without a column isn't there. */
  readonly fields: Partial<Record>;
}

/** What a set of files says, row by row and table by table. */
export interface TableRows {
  /** The tables that there are, each with the first file it is in. */
  readonly tables: ReadonlyMap<TableName, string>;
  readonly sites: readonly TableRow<TableRecords['sites']>[];
  readonly rooms: readonly TableRow<TableRecords['rooms']>[];
  readonly timetable: readonly TableRow<TableRecords['timetable']>[];
  readonly devices: readonly TableRow<TableRecords['devices']>[];
}

/**
 * Reads CSV files, each of them one of the tables. Every cell is judged by itself here; whether the rows fit
 * together is not.
 */
export function readTables(
  files: Iterable<{ readonly file: string; readonly bytes: Uint8Array }>,
  report: Report,
): TableRows {
  const rows: Record<TableName, TableRow<never>[]> = { sites: [], rooms: [], timetable: [], devices: [] };
  const tables = new Map<TableName, string>();
  for (const { file, bytes } of files) {
    const decoded = decodeText(bytes);
    if (decoded === undefined) {
      const message = 'this is no text file in UTF-8, GB18030 or UTF-16: save it as "CSV UTF-8".';
      report({ file, message });
      continue;
    }
    const parsed = parseTable(file, decoded.text, report);
    if (parsed === undefined) continue;
    if (!tables.has(parsed.table)) tables.set(parsed.table, file);
    readRows(parsed, rows[parsed.table], report);
  }
  return { tables, ...rows };
}

/** A problem with one cell of a row; `field` is the record's. */
export function problemAt(
  { place, row }: Pick<TableRow<unknown>, 'place' | 'row'>,
  field: string | undefined,
  message: string,
): TableProblem {
  const column = place.columns.find((each) => each?.field === field)?.heading;
  return { file: place.file, row, column, message };
}

function readRows(table: ParsedTable, rows: TableRow<never>[], report: Report): void {
  for (const { row, cells } of table.rows) {
    const fields: Record<string, unknown> = {};
    table.columns.forEach((column, i) => {
      if (column === undefined) return;
      const { field, format, heading, required } = column;
      const text = cells[i] ?? '';
      const wrong = (message: string) => report({ file: table.file, row, column: heading, message });
      fields[field] = undefined;
      if (text === '') {
        if (required) wrong('the cell is empty: fill it in.');
        return;
      }
      const outcome = format.read(text);
      if ('wrong' in outcome) wrong(outcome.wrong);
      else fields[field] = outcome.value;
    });
    rows.push({ place: table, row, fields: fields as never });
  }
}
