import type { DeviceClass } from '../../devices/device-class.js';
import { metricsOf } from '../../devices/metric.js';
import type { MetricValue, Reading } from '../../devices/telemetry.js';
import type { HistoryItem } from '../../rules/backtest/history.js';
import { timeOf } from '../../rules/backtest/history.js';
import type { DeviceRef } from '../../rules/device-ref.js';
import type { Influx, InfluxRow } from '../../runtime/influx-connection.js';
import type { NamedDevice } from './device-refs.js';
import { ask } from './surroundings.js';

/** What of the history is read. */
export interface HistoryQuery {
  readonly influx: Influx;
  readonly classes: readonly DeviceClass[];
  readonly site?: string | undefined;
  readonly device?: string | undefined;
  /** Epoch ms; `until` is not part of it. */
  readonly from: number;
  readonly until: number;
  readonly refOf: (named: NamedDevice) => DeviceRef;
}

/** A part of the history: all of a stretch of time, in order. */
export interface HistorySlice {
  readonly until: number;
  readonly items: readonly HistoryItem[];
}

/** Rows that one slice is to have, so that memory stays the same for a room and for a city. */
const rowsWanted = 60_000;
const firstSliceMs = 120_000;
const longestSliceMs = 7 * 86_400_000;

/** Reads the history slice by slice, in order; the next one is read while the last one is worked on. */
export async function* readInfluxHistory(query: HistoryQuery): AsyncGenerator<HistorySlice> {
  let from = query.from;
  let lengthMs = firstSliceMs;
  const read = async (start: number) => {
    const until = Math.min(start + lengthMs, query.until);
    const { items, rows } = await readSlice(query, start, until);
    // What a slice of that length held says how long the next one may be.
    const fitting = rows === 0 ? Infinity : (lengthMs * rowsWanted) / rows;
    lengthMs = Math.round(Math.max(1000, Math.min(fitting, 4 * lengthMs, longestSliceMs)));
    return { until, items };
  };
  let next = from < query.until ? read(from) : undefined;
  while (next !== undefined) {
    const slice: HistorySlice = await next;
    from = slice.until;
    next = from < query.until ? read(from) : undefined;
    // Who stops reading must not be told of a failure that nobody waits for any more.
    next?.catch(() => undefined);
    yield slice;
  }
}

async function readSlice(query: HistoryQuery, from: number, until: number) {
  const where = [
    `time >= ${from}ms AND time < ${until}ms`,
    ...(query.site === undefined ? [] : [`"site" = ${quoted(query.site)}`]),
    ...(query.device === undefined ? [] : [`"device" = ${quoted(query.device)}`]),
  ].join(' AND ');
  const items: HistoryItem[] = [];
  let rows = 0;
  const answers = await Promise.all(
    [...query.classes, 'event' as const].map(async (measurement) => ({
      measurement,
      found: await ask(query.influx, `SELECT * FROM "${measurement}" WHERE ${where}`),
    })),
  );
  for (const { measurement, found } of answers) {
    rows += found.length;
    if (measurement === 'event') addEvents(items, found, query);
    else addReadings(items, found, measurement, query.refOf);
  }
  items.sort((a, b) => timeOf(a) - timeOf(b));
  return { items, rows };
}

/** A string as InfluxQL has it. */
export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function addEvents(items: HistoryItem[], rows: readonly InfluxRow[], { classes, refOf }: HistoryQuery): void {
  for (const row of rows) {
    const deviceClass = classes.find((each) => each === row['class']);
    const { time, type } = row;
    if (deviceClass === undefined || typeof type !== 'string') continue;
    const event = { kind: 'event' as const, device: refOf(nameOf(row, deviceClass)), at: Number(time), type };
    items.push(isLate(row) ? { ...event, late: true } : event);
  }
}

/** The metrics of a device and of its parts are rows of their own: those of one time are one reading. */
function addReadings(
  items: HistoryItem[],
  rows: readonly InfluxRow[],
  deviceClass: DeviceClass,
  refOf: HistoryQuery['refOf'],
): void {
  const names = Object.keys(metricsOf[deviceClass]);
  let at = NaN;
  let ofTime = new Map<string, GrowingReading>();
  for (const row of rows) {
    const time = Number(row['time']);
    if (time !== at) {
      at = time;
      ofTime = new Map();
    }
    const named = nameOf(row, deviceClass);
    let reading = ofTime.get(named.id);
    if (reading === undefined) {
      reading = { ts: time, m: {} };
      ofTime.set(named.id, reading);
      const item = { kind: 'reading' as const, device: refOf(named), reading };
      items.push(isLate(row) ? { ...item, late: true } : item);
    }
    const part = row['part'];
    if (typeof part !== 'string' || part === '') copyMetrics(row, names, reading.m);
    else copyMetrics(row, names, ((reading.parts ??= {})[part] ??= {}));
  }
}

function isLate(row: InfluxRow): boolean {
  return row['late'] === 1;
}

interface GrowingReading extends Reading {
  readonly m: Record<string, MetricValue>;
  parts?: Record<string, Record<string, MetricValue>>;
}

function copyMetrics(row: InfluxRow, names: readonly string[], into: Record<string, MetricValue>): void {
  for (const name of names) {
    const value = row[name];
    if (typeof value === 'number' || typeof value === 'string') into[name] = value;
  }
}

function nameOf(row: InfluxRow, deviceClass: DeviceClass): NamedDevice {
  const { device, site, room } = row;
  return {
    id: String(device),
    site: String(site),
    deviceClass,
    room: room == null ? undefined : String(room),
  };
}
