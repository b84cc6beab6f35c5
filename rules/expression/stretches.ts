import type { Fold } from './fold.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';
import { giveWay, weightOf, weightWithin } from './weight.js';

/** How the newest two stretches of the clock are kept: how many there are, then a bucket for each, the older first. */
export interface StretchesShape {
  readonly fold: Fold;
  readonly lengthMs: number;
}

const most = 2;
const get = (cells: Cells, i: number): number => cells[i] as number;

export function createStretches(fold: Fold, lengthMs: number): StretchesShape {
  return { fold, lengthMs };
}

export function stretchesSize({ fold }: StretchesShape): number {
  return 1 + most * fold.fields;
}

/** The number of the stretch of the clock that a time is in. */
function stretchOf({ lengthMs }: StretchesShape, at: number, offsetMs: number): number {
  return Math.floor((at + offsetMs) / lengthMs);
}

/** The place of the newest stretch that is no later than that one; -1: there is none. */
function placeOf(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  stretch: number,
  offsetMs: number,
): number {
  const { fields } = shape.fold;
  let k = get(cells, start) - 1;
  while (k >= 0 && stretchOf(shape, get(cells, start + 1 + k * fields), offsetMs) > stretch) k--;
  return k;
}

/**
 * Takes a value into the stretch of the clock that it belongs to; one of a stretch that is forgotten is left out.
 * @param intervalMs how far apart the values are meant to be
 */
export function addToStretches(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
  value: number,
  intervalMs: number,
): void {
  const { fold, lengthMs } = shape;
  if (fold.scale === undefined) {
    put(shape, cells, start, at, offsetMs, value, 0);
    return;
  }
  const count = get(cells, start);
  const beganAt = stretchOf(shape, at, offsetMs) * lengthMs - offsetMs;
  const newestAt = count === 0 ? NaN : get(cells, start + 1 + (count - 1) * fold.fields);
  if (at < newestAt) {
    const weight = lateWeight(shape, cells, start, at, offsetMs, intervalMs);
    put(shape, cells, start, at, offsetMs, value, Math.min(weight, at - beganAt));
    return;
  }
  const weight = weightOf(at, newestAt, intervalMs);
  const earlier = weight - (at - beganAt);
  // Of the stretch before, too, unless reports were lost and nothing else is known of it.
  if (earlier > 0 && (newestAt >= beganAt - lengthMs || weight === at - newestAt))
    put(shape, cells, start, beganAt - 1, offsetMs, value, earlier);
  put(shape, cells, start, at, offsetMs, value, Math.min(weight, at - beganAt));
}

/** The time that a value stands for which is older than the newest; others give way to it. */
function lateWeight(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
  intervalMs: number,
): number {
  const { fold } = shape;
  const stretch = stretchOf(shape, at, offsetMs);
  const k = placeOf(shape, cells, start, stretch, offsetMs);
  if (k < 0) return intervalMs;
  const i = start + 1 + k * fold.fields;
  if (stretchOf(shape, get(cells, i), offsetMs) !== stretch) return weightOf(at, get(cells, i), intervalMs);
  const weight = weightWithin(cells, i, at, k > 0 ? get(cells, i - fold.fields) : NaN, intervalMs);
  giveWay(fold, cells, i, at, weight);
  return weight;
}

/** Puts a value with its weight into the stretch that it belongs to. */
function put(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
  value: number,
  weight: number,
): void {
  const { fold } = shape;
  const { fields } = fold;
  const first = start + 1;
  const count = get(cells, start);
  const stretch = stretchOf(shape, at, offsetMs);
  const k = placeOf(shape, cells, start, stretch, offsetMs);
  const i = first + k * fields;
  if (k >= 0 && stretchOf(shape, get(cells, i), offsetMs) === stretch) {
    fold.add(cells, i, at, value, weight);
    if (at > get(cells, i)) cells[i] = at;
  } else if (count < most) {
    cells[start] = count + 1;
    // Behind the one that it is older than.
    if (k < count - 1) cells.copyWithin(first + fields, first, first + fields);
    fold.put(cells, i + fields, at, value, weight);
  } else if (k >= 0) {
    if (k === 1) cells.copyWithin(first, first + fields, first + 2 * fields);
    fold.put(cells, i, at, value, weight);
  }
}

/** Where the bucket of the last whole stretch before `at` is; -1: there is none. */
export function stretchAt(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
): number {
  const wanted = stretchOf(shape, at, offsetMs) - 1;
  const { fields } = shape.fold;
  for (let i = start + 1; i < start + 1 + get(cells, start) * fields; i += fields)
    if (stretchOf(shape, get(cells, i), offsetMs) === wanted) return i;
  return -1;
}

/** How they are written in a checkpoint: the buckets that there are. */
export function packStretches(shape: StretchesShape): Pick<Memory, 'pack' | 'unpack'> {
  const { fields } = shape.fold;
  return {
    pack: (cells, start) => {
      const count = get(cells, start);
      return count === 0 ? undefined : [...cells.subarray(start + 1, start + 1 + count * fields)];
    },
    unpack: (packed, cells, start) => {
      cells[start] = packed.length / fields;
      cells.set(packed, start + 1);
      return true;
    },
  };
}
