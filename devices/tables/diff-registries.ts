import type { Registry } from '../registry.js';
import { columnsOf, tableNames } from './columns.js';
import type { TableName } from './columns.js';
import { writeRows } from './write-tables.js';

/** A row that one registry has and another hasn't, or has otherwise. */
export interface RowChange {
  readonly table: TableName;
  readonly action: 'add' | 'change' | 'remove';
  readonly key: string;
  /** What changes, by column; empty stands for no value. For an added or removed row, what it has. */
  readonly fields: readonly { readonly column: string; readonly from: string; readonly to: string }[];
}

/** What turns one registry into another, in the terms of the tables. */
export function diffRegistries(before: Registry, after: Registry): RowChange[] {
  return tableNames.flatMap((table) => diffTable(before, after, table));
}

function diffTable(before: Registry, after: Registry, table: TableName): RowChange[] {
  const columns = columnsOf[table];
  const old = new Map(writeRows(before, table).map(({ key, cells }) => [key, cells]));
  const changes: RowChange[] = [];
  const compare = (
    action: RowChange['action'],
    key: string,
    from: readonly string[],
    to: readonly string[],
  ) => {
    const fields = columns.flatMap(({ name }, i) => {
      const [was = '', is = ''] = [from[i], to[i]];
      return was === is ? [] : [{ column: name, from: was, to: is }];
    });
    if (fields.length > 0) changes.push({ table, action, key, fields });
  };
  for (const { key, cells } of writeRows(after, table)) {
    const known = old.get(key);
    old.delete(key);
    compare(known === undefined ? 'add' : 'change', key, known ?? [], cells);
  }
  for (const [key, cells] of old) compare('remove', key, cells, []);
  return changes;
}
