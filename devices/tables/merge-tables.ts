import type { Device } from '../device.js';
import type { Registry } from '../registry.js';
import { roomKey } from '../room.js';
import type { Room } from '../room.js';
import { unassigned } from '../site.js';
import type { Site } from '../site.js';
import type { Report } from './parse-table.js';
import { problemAt } from './read-tables.js';
import type { TableRow, TableRows } from './read-tables.js';
import { readTimetables } from './read-timetables.js';

/** What the registry would become, and from which rows. */
export interface MergedRegistry {
  readonly registry: Registry;
  readonly siteRows: ReadonlyMap<string, TableRow<Site>>;
  readonly roomRows: ReadonlyMap<string, TableRow<Room>>;
  readonly deviceRows: ReadonlyMap<string, TableRow<Device>>;
}

/**
 * Puts rows on top of what is registered: a row adds a record or changes the fields that its file has columns
 * for. With `removeMissing` what the files don't name is taken away: sites where there is a table of sites, with
 * all that is theirs; else, in the tables that there are, at the sites that they name.
 */
export function mergeTables(
  current: Registry,
  rows: TableRows,
  removeMissing: boolean,
  report: Report,
): MergedRegistry {
  const siteRows = indexRows(rows.sites, ({ id }) => id, report);
  const roomRows = indexRows(
    rows.rooms,
    ({ site, id }) => (site && id ? roomKey(site, id) : undefined),
    report,
  );
  const deviceRows = indexRows(rows.devices, ({ id }) => id, report);
  const timetables = readTimetables(rows.timetable, report);

  const kept = removeMissing ? withoutMissing(current, rows, { siteRows, roomRows, deviceRows }) : current;
  return {
    registry: {
      sites: merge(kept.sites, siteRows, { kind: 'campus', district: unassigned }),
      rooms: merge(kept.rooms, roomRows, { kind: 'other' }),
      timetables: new Map([...kept.timetables, ...timetables]),
      devices: merge(kept.devices, deviceRows, { room: unassigned }),
    },
    siteRows,
    roomRows,
    deviceRows,
  };
}

function indexRows<Record>(
  rows: readonly TableRow<Record>[],
  keyOf: (fields: Partial<Record>) => string | undefined,
  report: Report,
): Map<string, TableRow<Record>> {
  const byKey = new Map<string, TableRow<Record>>();
  for (const row of rows) {
    const key = keyOf(row.fields);
    if (key === undefined) continue;
    const before = byKey.get(key);
    if (before === undefined) byKey.set(key, row);
    else {
      const where = before.place === row.place ? '' : `${before.place.file}, `;
      const message = `"${key}" is already in ${where}row ${before.row}: an id is written once; remove one of the rows.`;
      report(problemAt(row, 'id', message));
    }
  }
  return byKey;
}

/** Required fields that could not be read have been reported; their defaults only let the checks go on. */
function merge<Record extends object>(
  current: ReadonlyMap<string, Record>,
  rows: ReadonlyMap<string, TableRow<Record>>,
  defaults: Partial<Record>,
): Map<string, Record> {
  const merged = new Map(current);
  for (const [key, { fields }] of rows) {
    const record = { ...current.get(key), ...fields } as Record;
    for (const field in defaults) record[field] ??= defaults[field] as Record[typeof field];
    merged.set(key, record);
  }
  return merged;
}

function withoutMissing(
  current: Registry,
  rows: TableRows,
  named: Pick<MergedRegistry, 'siteRows' | 'roomRows' | 'deviceRows'>,
): Registry {
  const { tables } = rows;
  const wholeCity = tables.has('sites');
  const sites = filter(current.sites, (_, id) => !wholeCity || named.siteRows.has(id));
  const sitesOf = (table: readonly TableRow<{ readonly site: string }>[]) =>
    new Set(table.map(({ fields }) => fields.site));
  const roomSites = sitesOf(rows.rooms);
  const deviceSites = sitesOf(rows.devices);
  const timetableSites = sitesOf(rows.timetable);
  return {
    sites,
    rooms: filter(current.rooms, ({ site }, key) => {
      const isCovered = tables.has('rooms') && (wholeCity || roomSites.has(site));
      return sites.has(site) && (!isCovered || named.roomRows.has(key));
    }),
    timetables: filter(current.timetables, ({ site }) => {
      return sites.has(site) && !(tables.has('timetable') && wholeCity && !timetableSites.has(site));
    }),
    devices: filter(current.devices, ({ site }, id) => {
      const isCovered = tables.has('devices') && (wholeCity || deviceSites.has(site));
      return sites.has(site) && (!isCovered || named.deviceRows.has(id));
    }),
  };
}

function filter<Value>(
  map: ReadonlyMap<string, Value>,
  keep: (value: Value, key: string) => boolean,
): Map<string, Value> {
  return new Map([...map].filter(([key, value]) => keep(value, key)));
}
