import type { Cells } from './cells.js';
import type { Fold } from './fold.js';
import { giveWay, weightOf, weightWithin } from './weight.js';

/**
 * How the buckets of a sliding window are kept: a few numbers about all of them, then a ring of buckets. A bucket that
 * the start of the window cuts counts by the part of it that is inside.
 */
export interface RingShape {
  readonly fold: Fold;
  readonly lengthMs: number;
  readonly bucketMs: number;
}

/** Where the numbers about all buckets are: how many there are, which place is the oldest's, how many places. */
const ring = { count: 0, oldest: 1, places: 2, totals: 3 } as const;

/** A window is kept in at most about this many buckets, so its memory and work don't grow with the readings. */
const bucketsPerWindow = 20;
/** Both ends of the window can be in the middle of a bucket. */
const placesOfRing = [6, 11, bucketsPerWindow + 2] as const;
/** Totals are counted anew with each such bucket, so that errors of rounding don't add up. */
const recountEvery = 32;

const get = (cells: Cells, i: number): number => cells[i] as number;

export function createRing(fold: Fold, lengthMs: number): RingShape {
  return { fold, lengthMs, bucketMs: lengthMs / bucketsPerWindow };
}

export function ringSizes(shape: RingShape): readonly number[] {
  return placesOfRing.map((places) => firstOf(shape) + places * shape.fold.fields);
}

function firstOf({ fold }: RingShape): number {
  return ring.totals + (fold.running?.totals ?? 0);
}

/** Where the k-th oldest bucket begins. */
function bucketAt(shape: RingShape, cells: Cells, start: number, k: number): number {
  const places = get(cells, start + ring.places);
  let place = get(cells, start + ring.oldest) + k;
  if (place >= places) place -= places;
  return start + firstOf(shape) + place * shape.fold.fields;
}

/**
 * Takes a value into its place, also one older than the newest, and forgets what has left the window.
 * @param intervalMs how far apart the values are meant to be
 * @returns false where there are too few cells for it
 */
export function addToRing(
  shape: RingShape,
  cells: Cells,
  start: number,
  size: number,
  at: number,
  value: number,
  intervalMs: number,
): boolean {
  const { fold, bucketMs } = shape;
  const count = get(cells, start);
  if (count === 0) {
    cells[start + ring.oldest] = 0;
    cells[start + ring.places] = Math.floor((size - firstOf(shape)) / fold.fields);
    cells.fill(0, start + ring.totals, start + firstOf(shape));
    append(shape, cells, start, at, value, weightOf(at, NaN, intervalMs));
    return true;
  }
  const newest = bucketAt(shape, cells, start, count - 1);
  const newestAt = get(cells, newest);
  if (at < newestAt) return addLate(shape, cells, start, at, value, intervalMs);
  const weight = weightOf(at, newestAt, intervalMs);
  const bucket = Math.floor(at / bucketMs);
  if (bucket === Math.floor(newestAt / bucketMs)) {
    fold.running?.step(cells, start + ring.totals, newest, value, weight);
    addTo(fold, cells, newest, at, value, weight);
    return true;
  }
  forgetStale(shape, cells, start, at - shape.lengthMs);
  if (get(cells, start) === get(cells, start + ring.places)) return false;
  append(shape, cells, start, at, value, weight);
  if (bucket % recountEvery === 0) recount(shape, cells, start);
  return true;
}

function append(
  shape: RingShape,
  cells: Cells,
  start: number,
  at: number,
  value: number,
  weight: number,
): void {
  const { fold } = shape;
  const count = get(cells, start);
  // The one that it is compared with may have left with the rest.
  const newest = count === 0 ? -1 : bucketAt(shape, cells, start, count - 1);
  fold.running?.step(cells, start + ring.totals, newest, value, weight);
  fold.put(cells, bucketAt(shape, cells, start, count), at, value, weight);
  cells[start] = count + 1;
}

function addTo(fold: Fold, cells: Cells, i: number, at: number, value: number, weight: number): void {
  fold.add(cells, i, at, value, weight);
  if (at > get(cells, i)) cells[i] = at;
}

function forgetStale(shape: RingShape, cells: Cells, start: number, startsAfter: number): void {
  let count = get(cells, start);
  while (count > 0) {
    const oldest = bucketAt(shape, cells, start, 0);
    if (get(cells, oldest) > startsAfter) return;
    shape.fold.running?.drop(
      cells,
      start + ring.totals,
      oldest,
      count > 1 ? bucketAt(shape, cells, start, 1) : -1,
    );
    const next = get(cells, start + ring.oldest) + 1;
    cells[start + ring.oldest] = next === get(cells, start + ring.places) ? 0 : next;
    cells[start] = --count;
  }
  // Without what rounding has left in them.
  cells.fill(0, start + ring.totals, start + firstOf(shape));
}

/** A value that is older than the newest. */
function addLate(
  shape: RingShape,
  cells: Cells,
  start: number,
  at: number,
  value: number,
  intervalMs: number,
): boolean {
  const { fold, lengthMs, bucketMs } = shape;
  const newestAt = get(cells, bucketAt(shape, cells, start, get(cells, start) - 1));
  if (at <= newestAt - lengthMs) return true;
  forgetStale(shape, cells, start, newestAt - lengthMs);
  const count = get(cells, start);
  const bucket = Math.floor(at / bucketMs);
  const timeOf = (k: number) => (k < 0 ? NaN : get(cells, bucketAt(shape, cells, start, k)));
  let k = count - 1;
  while (k >= 0 && Math.floor(timeOf(k) / bucketMs) > bucket) k--;
  const isFound = k >= 0 && Math.floor(timeOf(k) / bucketMs) === bucket;
  if (!isFound && count === get(cells, start + ring.places)) return false;
  let weight = 0;
  if (fold.scale !== undefined) {
    weight = isFound
      ? weightWithin(cells, bucketAt(shape, cells, start, k), at, timeOf(k - 1), intervalMs)
      : weightOf(at, timeOf(k), intervalMs);
    // The value after it is in the same bucket or in the next one.
    const after = isFound && at < timeOf(k) ? k : k + 1;
    giveWay(fold, cells, bucketAt(shape, cells, start, after), at, weight);
  }
  if (isFound) addTo(fold, cells, bucketAt(shape, cells, start, k), at, value, weight);
  else {
    cells[start] = count + 1;
    for (let i = count; i > k + 1; i--) {
      const from = bucketAt(shape, cells, start, i - 1);
      cells.copyWithin(bucketAt(shape, cells, start, i), from, from + fold.fields);
    }
    fold.put(cells, bucketAt(shape, cells, start, k + 1), at, value, weight);
  }
  recount(shape, cells, start);
  return true;
}

function recount(shape: RingShape, cells: Cells, start: number): void {
  const { running } = shape.fold;
  if (running === undefined) return;
  const t = start + ring.totals;
  cells.fill(0, t, t + running.totals);
  let previous = -1;
  for (let k = 0; k < get(cells, start); k++) {
    const i = bucketAt(shape, cells, start, k);
    running.gather(cells, t, i, previous);
    previous = i;
  }
}

/** The totals, then the buckets, the oldest first; times as differences, which are short and quick to write. */
export function packRing(shape: RingShape, cells: Cells, start: number): number[] | undefined {
  const count = get(cells, start);
  if (count === 0) return undefined;
  const packed = [...cells.subarray(start + ring.totals, start + firstOf(shape))];
  let before = 0;
  for (let k = 0; k < count; k++) {
    const i = bucketAt(shape, cells, start, k);
    packed.push(get(cells, i) - before);
    before = get(cells, i);
    for (let j = 1; j < shape.fold.fields; j++) packed.push(get(cells, i + j));
  }
  return packed;
}

/** The inverse of `packRing`. @returns false where there are too few cells for it */
export function unpackRing(
  shape: RingShape,
  packed: readonly number[],
  cells: Cells,
  start: number,
  size: number,
): boolean {
  const { fields } = shape.fold;
  const first = firstOf(shape);
  const totals = first - ring.totals;
  const count = (packed.length - totals) / fields;
  const places = Math.floor((size - first) / fields);
  if (count > places) return false;
  cells[start] = count;
  cells[start + ring.places] = places;
  cells.set(packed.slice(0, totals), start + ring.totals);
  cells.set(packed.slice(totals), start + first);
  for (let i = start + first + fields; i < start + first + count * fields; i += fields)
    cells[i] = get(cells, i) + get(cells, i - fields);
  return true;
}

/**
 * A look at the buckets of a window that are in it at one time. There is one look, which is moved: this is done for
 * every reading.
 */
export class Buckets {
  cells: Cells = new Float64Array(0);
  /** Where the totals of all buckets begin, those that have left the window too; -1: there are none. */
  totals = -1;
  /** How many are in the window, and how many at the beginning have left it. */
  count = 0;
  stale = 0;
  /** What was until then is out of the window; the first bucket in it may have begun before. */
  startsAfter = -Infinity;
  /** When the first bucket in the window can have begun. */
  firstFrom = -Infinity;
  #first = 0;
  #fields = 1;
  #oldest = 0;
  #places = 1;

  /** Looks at the buckets of a ring with values after `startsAfter`. */
  lookAtRing(shape: RingShape, cells: Cells, start: number, startsAfter: number): this {
    this.cells = cells;
    this.totals = shape.fold.running === undefined ? -1 : start + ring.totals;
    this.startsAfter = startsAfter;
    this.#first = start + firstOf(shape);
    this.#fields = shape.fold.fields;
    this.#oldest = get(cells, start + ring.oldest);
    this.#places = get(cells, start + ring.places);
    const all = get(cells, start);
    this.stale = 0;
    this.count = all;
    while (this.stale < all && get(cells, this.at(0)) <= startsAfter) {
      this.stale++;
      this.count--;
    }
    if (this.count > 0) this.firstFrom = Math.floor(get(cells, this.at(0)) / shape.bucketMs) * shape.bucketMs;
    return this;
  }

  /** Looks at the one bucket at `i`. */
  lookAtOne(cells: Cells, i: number): this {
    this.cells = cells;
    this.totals = -1;
    this.startsAfter = -Infinity;
    this.firstFrom = -Infinity;
    this.#first = i;
    this.#oldest = 0;
    this.#places = 1;
    this.stale = 0;
    this.count = 1;
    return this;
  }

  /** Where the k-th oldest bucket in the window begins; from `-stale` on, those that have left it. */
  at(k: number): number {
    let place = this.#oldest + this.stale + k;
    if (place >= this.#places) place -= this.#places;
    return this.#first + place * this.#fields;
  }
}
