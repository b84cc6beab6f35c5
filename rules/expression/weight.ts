import type { Cells } from './cells.js';
import type { Fold } from './fold.js';
import type { Sight } from './sight.js';

const usualIntervalS = 60;

/** How far apart the reports of the device are meant to be, ms. */
export function intervalMsOf({ device }: Sight): number {
  const { intervalS = usualIntervalS } = device;
  return (intervalS > 0 ? intervalS : usualIntervalS) * 1000;
}

/**
 * The time that a value stands for, ms: devices publish what they measured since they last did, so it is the time
 * since the value before it, but no more than two intervals, where reports were lost. NaN `before`: there is none.
 */
export function weightOf(at: number, before: number, intervalMs: number): number {
  return Number.isNaN(before) ? intervalMs : Math.min(at - before, 2 * intervalMs);
}

const get = (cells: Cells, i: number): number => cells[i] as number;

/**
 * The time that a value stands for which belongs into the bucket at `i`, but came after that of a later time.
 * @param before when the newest value of the bucket before it was; NaN: there is none
 */
export function weightWithin(
  cells: Cells,
  i: number,
  at: number,
  before: number,
  intervalMs: number,
): number {
  if (at >= get(cells, i)) return weightOf(at, get(cells, i), intervalMs);
  // Which value of several it comes after is not known.
  return get(cells, i + 1) > 2 * intervalMs ? intervalMs : weightOf(at, before, intervalMs);
}

/** The bucket at `i` gives way to a value that came late: it stands no more for the time that the value stands for. */
export function giveWay(fold: Fold, cells: Cells, i: number, at: number, weight: number): void {
  const whole = get(cells, i + 1);
  const newestAt = get(cells, i);
  const lost = Math.min(at, newestAt) - Math.max(at - weight, newestAt - whole);
  if (lost > 0) fold.scale?.(cells, i, Math.max(0, whole - lost) / whole);
}
