import type { Cells } from './cells.js';

/**
 * The least or greatest value of a sliding window, in constant work: a value matters only as long as none that is
 * newer is as far out. Those that matter stand in a ring of pairs of time and value, the oldest and farthest out first.
 */
export interface ExtremesShape {
  readonly lengthMs: number;
  readonly bucketMs: number;
  /** Whether a value is as far out as another. */
  readonly covers: (value: number, other: number) => boolean;
}

const ring = { count: 0, oldest: 1, places: 2, pairs: 3 } as const;

/** Of values in the same twentieth of the window one is kept, so that there are at most so many. */
const bucketsPerWindow = 20;
const placesOfRing = [4, 10, bucketsPerWindow + 2] as const;

export const extremesSizes: readonly number[] = placesOfRing.map((places) => ring.pairs + 2 * places);

const get = (cells: Cells, i: number): number => cells[i] as number;

export function createExtremes(which: 'min' | 'max', lengthMs: number): ExtremesShape {
  const covers =
    which === 'min'
      ? (value: number, other: number) => value <= other
      : (value: number, other: number) => value >= other;
  return { lengthMs, bucketMs: lengthMs / bucketsPerWindow, covers };
}

/** Where the k-th oldest pair is. */
function pairAt(cells: Cells, start: number, k: number): number {
  const places = get(cells, start + ring.places);
  let place = get(cells, start + ring.oldest) + k;
  if (place >= places) place -= places;
  return start + ring.pairs + 2 * place;
}

function setPair(cells: Cells, i: number, at: number, value: number): void {
  cells[i] = at;
  cells[i + 1] = value;
}

/**
 * Takes a value into its place, also one older than the newest. Values of the same twentieth of the window stand
 * together for the farthest out of them, at the time of the newest.
 * @returns false where there are too few cells for it
 */
export function addToExtremes(
  { lengthMs, bucketMs, covers }: ExtremesShape,
  cells: Cells,
  start: number,
  size: number,
  at: number,
  value: number,
): boolean {
  let count = get(cells, start);
  if (count === 0) {
    cells[start] = 1;
    cells[start + ring.oldest] = 0;
    cells[start + ring.places] = (size - ring.pairs) >> 1;
    setPair(cells, start + ring.pairs, at, value);
    return true;
  }
  const newestAt = get(cells, pairAt(cells, start, count - 1));
  const startsAfter = Math.max(at, newestAt) - lengthMs;
  if (at <= startsAfter) return true;
  while (count > 0 && get(cells, pairAt(cells, start, 0)) <= startsAfter) {
    const next = get(cells, start + ring.oldest) + 1;
    cells[start + ring.oldest] = next === get(cells, start + ring.places) ? 0 : next;
    cells[start] = --count;
  }
  const bucket = Math.floor(at / bucketMs);
  // The pairs after `k` are newer than the value.
  let k = count - 1;
  while (k >= 0 && get(cells, pairAt(cells, start, k)) > at) k--;
  if (k + 1 < count) {
    const newer = pairAt(cells, start, k + 1);
    if (covers(get(cells, newer + 1), value)) return true;
    if (Math.floor(get(cells, newer) / bucketMs) === bucket) {
      cells[newer + 1] = value;
      removeCovered(covers, cells, start, k, value);
      return true;
    }
  }
  k -= removeCovered(covers, cells, start, k, value);
  count = get(cells, start);
  if (k >= 0) {
    const older = pairAt(cells, start, k);
    if (Math.floor(get(cells, older) / bucketMs) === bucket) {
      // It is farther out; the newer one stands for itself only where there is another newer one yet.
      cells[older] = at;
      return true;
    }
  }
  if (count === get(cells, start + ring.places)) return false;
  cells[start] = count + 1;
  for (let i = count; i > k + 1; i--) {
    const from = pairAt(cells, start, i - 1);
    setPair(cells, pairAt(cells, start, i), get(cells, from), get(cells, from + 1));
  }
  setPair(cells, pairAt(cells, start, k + 1), at, value);
  return true;
}

/** Takes out the pairs up to the k-th that the value is as far out as. @returns how many */
function removeCovered(
  covers: ExtremesShape['covers'],
  cells: Cells,
  start: number,
  k: number,
  value: number,
): number {
  let kept = k;
  while (kept >= 0 && covers(value, get(cells, pairAt(cells, start, kept) + 1))) kept--;
  const removed = k - kept;
  if (removed === 0) return 0;
  const count = get(cells, start);
  for (let i = k + 1; i < count; i++) {
    const from = pairAt(cells, start, i);
    setPair(cells, pairAt(cells, start, i - removed), get(cells, from), get(cells, from + 1));
  }
  cells[start] = count - removed;
  return removed;
}

/** The least or greatest value after `startsAfter`; NaN where there is none. */
export function readExtremes(cells: Cells, start: number, startsAfter: number): number {
  const count = get(cells, start);
  for (let k = 0; k < count; k++) {
    const i = pairAt(cells, start, k);
    if (get(cells, i) > startsAfter) return get(cells, i + 1);
  }
  return NaN;
}

/** The pairs, the oldest first; times as differences. */
export function packExtremes(cells: Cells, start: number): number[] | undefined {
  const count = get(cells, start);
  if (count === 0) return undefined;
  const packed: number[] = [];
  let before = 0;
  for (let k = 0; k < count; k++) {
    const i = pairAt(cells, start, k);
    packed.push(get(cells, i) - before, get(cells, i + 1));
    before = get(cells, i);
  }
  return packed;
}

/** The inverse of `packExtremes`. @returns false where there are too few cells for it */
export function unpackExtremes(
  packed: readonly number[],
  cells: Cells,
  start: number,
  size: number,
): boolean {
  const places = (size - ring.pairs) >> 1;
  const count = packed.length / 2;
  if (count > places) return false;
  cells[start] = count;
  cells[start + ring.places] = places;
  cells.set(packed, start + ring.pairs);
  for (let i = start + ring.pairs + 2; i < start + ring.pairs + packed.length; i += 2)
    cells[i] = get(cells, i) + get(cells, i - 2);
  return true;
}
