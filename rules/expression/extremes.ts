import type { Cells } from './cells.js';

/**
 * The least or greatest value of a sliding window, in constant work: a value matters only as long as none that is
 * newer is as far out. Those that matter stand in a ring of pairs of time and value, the oldest and farthest out first.
 */
export interface ExtremesShape {
  readonly lengthMs: number;
  /** Whether a value is as far out as another. */
  readonly covers: (value: number, other: number) => boolean;
}

const ring = { count: 0, oldest: 1, places: 2, pairs: 3 } as const;

/** Values that matter are few, but where they go steadily back from the farthest. */
const placesOfRing = [4, 10, 22] as const;
const mostPlaces = Math.max(...placesOfRing);

export const extremesSizes: readonly number[] = placesOfRing.map((places) => ring.pairs + 2 * places);

const get = (cells: Cells, i: number): number => cells[i] as number;

export function createExtremes(which: 'least' | 'greatest', lengthMs: number): ExtremesShape {
  const covers =
    which === 'least'
      ? (value: number, other: number) => value <= other
      : (value: number, other: number) => value >= other;
  return { lengthMs, covers };
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
 * Takes a value into its place, also one older than the newest. Where there is room for no more, two neighbours that
 * are close in time and value become one: the farther out, at the time of the newer.
 * @returns false where there are too few cells for it
 */
export function addToExtremes(
  { lengthMs, covers }: ExtremesShape,
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
  // The pairs after `k` are newer than the value.
  let k = count - 1;
  while (k >= 0 && get(cells, pairAt(cells, start, k)) > at) k--;
  if (k + 1 < count && covers(get(cells, pairAt(cells, start, k + 1) + 1), value)) return true;
  k -= removeCovered(covers, cells, start, k, value);
  count = get(cells, start);
  if (count === get(cells, start + ring.places)) {
    if (count < mostPlaces) return false;
    const merged = mergeClosest(cells, start);
    count--;
    // Between the two, it is no longer the farthest out of anything.
    if (merged === k) return true;
    if (merged < k) k--;
  }
  cells[start] = count + 1;
  for (let i = count; i > k + 1; i--) {
    const from = pairAt(cells, start, i - 1);
    setPair(cells, pairAt(cells, start, i), get(cells, from), get(cells, from + 1));
  }
  setPair(cells, pairAt(cells, start, k + 1), at, value);
  return true;
}

/**
 * Makes one pair of the two neighbours that it does the least harm to: the value of the older stays for as long as the
 * newer would have. What counts is how much of time and of value the two stand for. @returns the place of the older
 */
function mergeClosest(cells: Cells, start: number): number {
  const count = get(cells, start);
  let closest = 0;
  let least = Infinity;
  for (let k = 0; k + 1 < count; k++) {
    const next = pairAt(cells, start, Math.min(k + 2, count - 1));
    const apart = Math.abs(get(cells, next + 1) - get(cells, pairAt(cells, start, k) + 1));
    const lastsMs =
      get(cells, pairAt(cells, start, k + 1)) - get(cells, pairAt(cells, start, Math.max(k - 1, 0)));
    const harm = apart * lastsMs;
    if (harm < least) {
      least = harm;
      closest = k;
    }
  }
  cells[pairAt(cells, start, closest)] = get(cells, pairAt(cells, start, closest + 1));
  for (let k = closest + 1; k + 1 < count; k++) {
    const from = pairAt(cells, start, k + 1);
    setPair(cells, pairAt(cells, start, k), get(cells, from), get(cells, from + 1));
  }
  cells[start] = count - 1;
  return closest;
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
