import type { Metric } from '../../devices/metric.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';
import { asWritten } from './memory.js';
import type { Plan } from './plan.js';

const hourMs = 3_600_000;
export const hoursPerWeek = 168;
/** Hours of means that are kept: a week and a day, so that last week's hour is still there. */
const hoursKept = hoursPerWeek + 24;

/** The number of the hour on the wall that a time is in; Monday 00:00 is a multiple of `hoursPerWeek`. */
export function hourOf(at: number, offsetMs: number): number {
  // 1970-01-01 was a Thursday.
  return Math.floor((at + offsetMs) / hourMs) + 3 * 24;
}

/** Where the numbers of the hour that is being gathered are. */
const hourly = { count: 0, hour: 1, sum: 2 } as const;

/** Takes the mean of an hour into what is kept of them, which begins at `start`. */
type Close = (cells: Cells, start: number, hour: number, mean: number) => void;

/**
 * Gathers the values of each hour on the wall, and hands its mean on when a value of a later hour comes. Late values
 * of an hour that was handed on are left out.
 * @param place of the memory that it is handed on to
 */
function createHourly(key: string, name: string, place: number, close: Close): Memory {
  return {
    key,
    metrics: [name],
    onEvents: false,
    lookBackMs: hourMs,
    fills: place,
    ...asWritten(3),
    take: (cells, start, _size, x, sight) => {
      if (Number.isNaN(x)) return true;
      const hour = hourOf(sight.at, sight.calendar.offsetMs(sight.at));
      const count = cells[start + hourly.count] as number;
      const current = cells[start + hourly.hour] as number;
      if (count > 0 && hour < current) return true;
      if (count > 0 && hour === current) {
        cells[start + hourly.count] = count + 1;
        cells[start + hourly.sum] = (cells[start + hourly.sum] as number) + x;
        return true;
      }
      if (count > 0) {
        close(cells, sight.starts[place] as number, current, (cells[start + hourly.sum] as number) / count);
        sight.slowChanged = true;
      }
      cells[start + hourly.count] = 1;
      cells[start + hourly.hour] = hour;
      cells[start + hourly.sum] = x;
      return true;
    },
  };
}

/** A memory that another one fills. */
function createKept(key: string, size: number, lookBackMs: number): Memory {
  return { key, metrics: [], onEvents: false, lookBackMs, slow: true, take: () => true, ...asWritten(size) };
}

/**
 * The hourly means of a metric over a week and a day: the hour of the newest, then one place for each hour; NaN where
 * it is not known.
 * @returns the place of it
 */
export function planPast(plan: Plan, name: string): number {
  const place = plan.placeOf(createKept(`past-hours/${name}`, 1 + hoursKept, hoursKept * hourMs));
  const close: Close = (cells, start, hour, mean) => {
    const newest = cells[start] as number;
    if (newest === 0) cells.fill(NaN, start + 1, start + 1 + hoursKept);
    const skipped = newest === 0 ? 0 : Math.min(hour - newest - 1, hoursKept);
    for (let i = 1; i <= skipped; i++) cells[start + 1 + ((newest + i) % hoursKept)] = NaN;
    cells[start] = hour;
    cells[start + 1 + (hour % hoursKept)] = Math.round(mean * 1000) / 1000;
  };
  plan.placeOf(createHourly(`past-now/${name}`, name, place, close));
  return place;
}

/** The mean of an hour; NaN where it is not known, or not any more. `start` is where the hours are kept. */
export function readPast(cells: Cells, start: number, hour: number): number {
  const newest = cells[start] as number;
  if (hour > newest || hour <= newest - hoursKept) return NaN;
  return cells[start + 1 + (hour % hoursKept)] as number;
}

/** Weeks that an hour must have been seen in before anybody can say what is usual for it. */
const fewestWeeks = 3;
/** What weighs least of a new week: about the last seven count. */
const leastWeight = 0.15;
/** How far away, in usual distances, an hour counts at most: an outlier moves the usual by no more. */
const farthest = 3;
const perHour = 3;
/** Before the hours stands whether there is anything. */
const usualSize = 1 + hoursPerWeek * perHour;

/**
 * What is usual for a metric by the hour of the week: for each hour its level, the mean distance from it, and in how
 * many weeks it was seen. Outliers are drawn in, so that one bad week doesn't become the usual.
 * @returns the place of it
 */
export function planUsual(plan: Plan, name: string, metric: Metric): number {
  const place = plan.placeOf(
    createKept(`usual-hours/${name}`, usualSize, (fewestWeeks * hoursPerWeek + 1) * hourMs),
  );
  const least = leastDistance(metric);
  const close: Close = (cells, start, hour, mean) => {
    cells[start] = 1;
    const i = start + 1 + (hour % hoursPerWeek) * perHour;
    const level = cells[i] as number;
    const distance = cells[i + 1] as number;
    const weeks = cells[i + 2] as number;
    const round = (x: number) => Math.round(x * 1000) / 1000;
    if (weeks === 0) cells[i] = round(mean);
    else {
      const reach = weeks < fewestWeeks ? Infinity : farthest * Math.max(distance, least(level));
      const away = Math.max(-reach, Math.min(reach, mean - level));
      const weight = Math.max(1 / (weeks + 1), leastWeight);
      cells[i] = round(level + weight * away);
      cells[i + 1] = round(
        weeks === 1 ? Math.abs(away) / 2 : distance + weight * (Math.abs(away) - distance),
      );
    }
    cells[i + 2] = weeks + 1;
  };
  plan.placeOf(createHourly(`usual-now/${name}`, name, place, close));
  return place;
}

/** What is usual at a time. */
export interface Usual {
  readonly level: number;
  /** The standard deviation that is usual. */
  readonly sd: number;
}

/** What is usual in an hour; undefined where it is not known yet. `start` is where the hours are kept. */
export function readUsual(cells: Cells, start: number, hour: number, metric: Metric): Usual | undefined {
  const i = start + 1 + (hour % hoursPerWeek) * perHour;
  const level = cells[i] as number;
  const distance = cells[i + 1] as number;
  if ((cells[i + 2] as number) < fewestWeeks) return undefined;
  // Of a normal distribution the standard deviation is 1.2533 mean distances.
  return { level, sd: 1.2533 * Math.max(distance, leastDistance(metric)(level)) };
}

/**
 * What is usual over a stretch of time before `at`: by its share of each hour. Where the level changes from one hour
 * to the next nobody can tell when exactly, so a quarter of the change is added to what is usual to differ.
 */
export function readUsualOver(
  cells: Cells,
  start: number,
  at: number,
  lengthMs: number,
  offsetMs: number,
  metric: Metric,
): Usual | undefined {
  const until = at + offsetMs;
  const from = until - lengthMs;
  const shift = hourOf(0, 0);
  let level = 0;
  let sd = 0;
  let before: Usual | undefined;
  for (let hour = Math.floor(from / hourMs); hour * hourMs < until; hour++) {
    const usual = readUsual(cells, start, hour + shift, metric);
    if (usual === undefined) return undefined;
    const overlap = Math.min(until, (hour + 1) * hourMs) - Math.max(from, hour * hourMs);
    level += (usual.level * overlap) / lengthMs;
    const change = before === undefined ? 0 : Math.abs(usual.level - before.level);
    sd = Math.max(sd, usual.sd) + change / 4;
    before = usual;
  }
  return { level, sd };
}

/** Nobody is to be alarmed by less: two percent of the level, or half a percent of what the metric can be. */
function leastDistance(metric: Metric): (level: number) => number {
  const range =
    metric.kind === 'number' ? (metric.span ?? (metric.max <= 100_000 ? metric.max - metric.min : 0)) : 0;
  return (level) => Math.max(0.02 * Math.abs(level), 0.005 * range, 1e-6);
}
