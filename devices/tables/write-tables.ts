import { stringify } from 'csv-stringify/sync';
import type { Registry } from '../registry.js';
import { unassigned } from '../site.js';
import type { Timetable } from '../timetable.js';
import { columnsOf } from './columns.js';
import type { TableName, TableRecords, TimetableRow } from './columns.js';
import { guardFormula } from './formula-guard.js';
import { datesCell, longestDays, timeOfDayCell, weekdaysCell } from './time-cell.js';

/** A row as it is written, with what identifies it in its table. */
export interface WrittenRow {
  readonly key: string;
  /** One for each column of the table. */
  readonly cells: readonly string[];
}

/** The rows of a table, in an order that depends only on what is registered. */
export function writeRows(registry: Registry, table: TableName): WrittenRow[] {
  return recordsOf(registry, table).map(([key, record]) => ({ key, cells: cellsOf(table, record) }));
}

/** A table as CSV text that spreadsheet programs open without asking; `readTables` gives the same rows back. */
export function writeTable(registry: Registry, table: TableName): string {
  const header = columnsOf[table].map(({ name }) => name);
  const rows = writeRows(registry, table).map(({ cells }) => cells.map(guardFormula));
  return stringify([header, ...rows], { record_delimiter: 'windows' });
}

function recordsOf(registry: Registry, table: TableName): [string, TableRecords[TableName]][] {
  switch (table) {
    case 'sites':
      return sorted(registry.sites);
    case 'rooms':
      return sorted(registry.rooms);
    case 'timetable':
      return sorted(registry.timetables).flatMap(([, timetable]) => timetableRows(timetable));
    case 'devices':
      // An empty cell is read as unassigned.
      return sorted(registry.devices).map(([id, device]) => [
        id,
        device.room === unassigned ? { ...device, room: '' } : device,
      ]);
  }
}

function sorted<Record>(records: ReadonlyMap<string, Record>): [string, Record][] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Days in a row that are alike are written as one row. */
function timetableRows({ site, periods, exceptions }: Timetable): [string, TimetableRow][] {
  const weeks = runs(
    periods.toSorted((a, b) => a.weekday - b.weekday),
    ({ start, end, kind, name }) => JSON.stringify([start, end, kind, name]),
    (before, after) => after.weekday === before.weekday + 1,
  );
  const dates = runs(
    exceptions,
    ({ follows, name }) => JSON.stringify([follows, name]),
    (before, after) => Date.parse(after.date) === Date.parse(before.date) + 86_400_000,
    longestDays,
  );
  return [
    ...weeks
      .map((run): TimetableRow => {
        const { start, end, kind, name } = run[0];
        return { site, weekdays: run.map(({ weekday }) => weekday), start, end, kind, name };
      })
      .sort((a, b) => (a.weekdays?.[0] ?? 0) - (b.weekdays?.[0] ?? 0) || (a.start ?? 0) - (b.start ?? 0)),
    ...dates.map((run): TimetableRow => {
      const { follows, name } = run[0];
      const days = { site, dates: run.map(({ date }) => date), name };
      return follows === undefined
        ? { ...days, kind: 'holiday' }
        : { ...days, weekdays: [follows], kind: 'makeup' };
    }),
  ].map((row) => [timetableKey(row), row]);
}

function timetableKey({ site, dates, weekdays, start }: TimetableRow): string {
  if (dates !== undefined) return `${site} ${datesCell.write(dates)}`;
  return `${site} ${weekdaysCell.write(weekdays ?? [])} ${timeOfDayCell.write(start ?? 0)}`;
}

/** Cuts items into runs of like ones that follow each other, wherever other ones are between them. */
function runs<Item>(
  items: readonly Item[],
  likeness: (item: Item) => string,
  follows: (before: Item, after: Item) => boolean,
  longest = Infinity,
): (readonly [Item, ...Item[]])[] {
  const all: [Item, ...Item[]][] = [];
  const open = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const run = open.get(likeness(item));
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && run.length < longest && follows(last, item))
      run.push(item);
    else {
      const fresh: [Item, ...Item[]] = [item];
      open.set(likeness(item), fresh);
      all.push(fresh);
    }
  }
  return all;
}

function cellsOf(table: TableName, record: object): string[] {
  return columnsOf[table].map(({ field, format }) => {
    const value = (record as Readonly<Record<string, unknown>>)[field];
    return value === undefined ? '' : format.write(value);
  });
}
