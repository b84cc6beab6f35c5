import type { Metric } from '../../devices/metric.js';
import type { MemoryContent } from './memory-content.js';
import type { Memory } from './memory.js';
import type { Plan } from './plan.js';
import { valueOf } from './window.js';

const hourMs = 3_600_000;
export const hoursPerWeek = 168;
/** Hours of means that are kept: a week and a day, so that last week's hour is still there. */
const hoursKept = hoursPerWeek + 24;

/** The number of the hour on the wall that a time is in; Monday 00:00 is a multiple of `hoursPerWeek`. */
export function hourOf(at: number, offsetMs: number): number {
  // 1970-01-01 was a Thursday.
  return Math.floor((at + offsetMs) / hourMs) + 3 * 24;
}

/**
 * Gathers the values of each hour on the wall, and hands its mean on when a value of a later hour comes. Late values
 * of an hour that was handed on are left out.
 */
function createHourly(
  key: string,
  name: string,
  metric: Metric,
  place: number,
  close: (kept: MemoryContent, hour: number, mean: number) => void,
): Memory {
  const value = valueOf(name, metric);
  return {
    key,
    metrics: [name],
    onEvents: false,
    lookBackMs: hourMs,
    take: (content, sight) => {
      const x = value(sight);
      if (Number.isNaN(x)) return;
      const hour = hourOf(sight.at, sight.calendar.offsetMs(sight.at));
      const [current, count, sum] = content as [number?, number?, number?];
      if (current === undefined || count === undefined || sum === undefined) content.push(hour, 1, x);
      else if (hour === current) {
        content[1] = count + 1;
        content[2] = sum + x;
      } else if (hour > current) {
        close((sight.memories[place] ??= []), current, sum / count);
        sight.slowChanged = true;
        content[0] = hour;
        content[1] = 1;
        content[2] = x;
      }
    },
  };
}

/** A memory that another one fills. */
function createKept(key: string, lookBackMs: number): Memory {
  return { key, metrics: [], onEvents: false, lookBackMs, slow: true, take: () => undefined };
}

/**
 * The hourly means of a metric over a week and a day: the hour of the newest, then one place for each hour. What is
 * not known is null in JSON and NaN here.
 * @returns the place of it
 */
export function planPast(plan: Plan, name: string, metric: Metric): number {
  const kept: Memory = {
    ...createKept(`past/${name}`, hoursKept * hourMs),
    pack: (content) => content.slice(),
    unpack: (packed: readonly (number | null)[]) => packed.map((value) => value ?? NaN),
  };
  const place = plan.placeOf(kept);
  const close = (content: MemoryContent, hour: number, mean: number) => {
    if (content.length === 0) content.push(hour, ...Array.from({ length: hoursKept }, () => NaN));
    const newest = content[0] as number;
    const skipped = Math.min(hour - newest - 1, hoursKept);
    for (let i = 1; i <= skipped; i++) content[1 + ((newest + i) % hoursKept)] = NaN;
    content[0] = hour;
    content[1 + (hour % hoursKept)] = Math.round(mean * 1000) / 1000;
  };
  plan.placeOf(createHourly(`past-hour/${name}`, name, metric, place, close));
  return place;
}

/** The mean of an hour; NaN where it is not known, or not any more. */
export function readPast(content: MemoryContent, hour: number): number {
  const newest = content[0];
  if (newest === undefined || hour > newest || hour <= newest - hoursKept) return NaN;
  return content[1 + (hour % hoursKept)] ?? NaN;
}

/** Weeks that an hour must have been seen in before anybody can say what is usual for it. */
const fewestWeeks = 3;
/** What weighs least of a new week: about the last seven count. */
const leastWeight = 0.15;
/** How far away, in usual distances, an hour counts at most: an outlier moves the usual by no more. */
const farthest = 3;
const perHour = 3;

/**
 * What is usual for a metric by the hour of the week: for each hour its level, the mean distance from it, and in how
 * many weeks it was seen. Outliers are drawn in, so that one bad week doesn't become the usual.
 * @returns the place of it
 */
export function planUsual(plan: Plan, name: string, metric: Metric): number {
  const place = plan.placeOf(createKept(`usual/${name}`, (fewestWeeks * hoursPerWeek + 1) * hourMs));
  const least = leastDistance(metric);
  const close = (content: MemoryContent, hour: number, mean: number) => {
    if (content.length === 0) content.push(...Array.from({ length: hoursPerWeek * perHour }, () => 0));
    const i = (hour % hoursPerWeek) * perHour;
    const level = content[i] as number;
    const distance = content[i + 1] as number;
    const weeks = content[i + 2] as number;
    const round = (x: number) => Math.round(x * 1000) / 1000;
    if (weeks === 0) content[i] = round(mean);
    else {
      const reach = weeks < fewestWeeks ? Infinity : farthest * Math.max(distance, least(level));
      const away = Math.max(-reach, Math.min(reach, mean - level));
      const weight = Math.max(1 / (weeks + 1), leastWeight);
      content[i] = round(level + weight * away);
      content[i + 1] = round(
        weeks === 1 ? Math.abs(away) / 2 : distance + weight * (Math.abs(away) - distance),
      );
    }
    content[i + 2] = weeks + 1;
  };
  plan.placeOf(createHourly(`usual-hour/${name}`, name, metric, place, close));
  return place;
}

/** What is usual at a time. */
export interface Usual {
  readonly level: number;
  /** The standard deviation that is usual. */
  readonly sd: number;
}

/** What is usual in an hour; undefined where it is not known yet. */
export function readUsual(content: MemoryContent, hour: number, metric: Metric): Usual | undefined {
  const i = (hour % hoursPerWeek) * perHour;
  const [level, distance, weeks] = [content[i], content[i + 1], content[i + 2]];
  if (level === undefined || distance === undefined || weeks === undefined || weeks < fewestWeeks)
    return undefined;
  // Of a normal distribution the standard deviation is 1.2533 mean distances.
  return { level, sd: 1.2533 * Math.max(distance, leastDistance(metric)(level)) };
}

/**
 * What is usual over a stretch of time before `at`: by its share of each hour. Where the level changes from one hour
 * to the next nobody can tell when exactly, so a quarter of the change is added to what is usual to differ.
 */
export function readUsualOver(
  content: MemoryContent,
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
    const usual = readUsual(content, hour + shift, metric);
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
  const range = metric.kind === 'number' && metric.max <= 100_000 ? metric.max - metric.min : 0;
  return (level) => Math.max(0.02 * Math.abs(level), 0.005 * range, 1e-6);
}
