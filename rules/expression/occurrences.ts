import type { Cells } from './cells.js';

/**
 * How often something was in a sliding window. What was close together stands together: runs of time of the first,
 * time of the last and count, in a ring, the oldest first. A run of one or two is exact, and so is the count as long
 * as there is room for each.
 */
const ring = { runs: 0, oldest: 1, places: 2, total: 3, first: 4 } as const;
const run = { firstAt: 0, at: 1, count: 2, fields: 3 } as const;

const placesOfRing = [4, 10, 22] as const;
const mostPlaces = Math.max(...placesOfRing);

export const occurrencesSizes: readonly number[] = placesOfRing.map(
  (places) => ring.first + run.fields * places,
);

const get = (cells: Cells, i: number): number => cells[i] as number;

/** Where the k-th oldest run is. */
function runAt(cells: Cells, start: number, k: number): number {
  const places = get(cells, start + ring.places);
  let place = get(cells, start + ring.oldest) + k;
  if (place >= places) place -= places;
  return start + ring.first + run.fields * place;
}

function copyRun(cells: Cells, start: number, from: number, to: number): void {
  const i = runAt(cells, start, from);
  cells.copyWithin(runAt(cells, start, to), i, i + run.fields);
}

/**
 * Counts one more, also one older than the newest.
 * @returns false where there are too few cells for it
 */
export function addOccurrence(
  cells: Cells,
  start: number,
  size: number,
  at: number,
  lengthMs: number,
): boolean {
  let runs = get(cells, start);
  if (runs === 0) {
    cells[start + ring.oldest] = 0;
    cells[start + ring.places] = Math.floor((size - ring.first) / run.fields);
    cells[start + ring.total] = 0;
  } else {
    const newestAt = get(cells, runAt(cells, start, runs - 1) + run.at);
    const startsAfter = Math.max(at, newestAt) - lengthMs;
    if (at <= startsAfter) return true;
    forgetStale(cells, start, startsAfter);
    runs = get(cells, start);
  }
  // The runs after `k` began later.
  let k = runs - 1;
  while (k >= 0 && get(cells, runAt(cells, start, k)) > at) k--;
  if (k >= 0 && at <= get(cells, runAt(cells, start, k) + run.at)) {
    join(cells, start, k, at);
    return true;
  }
  if (runs === get(cells, start + ring.places)) {
    if (runs < mostPlaces) return false;
    const closest = closestRuns(cells, start);
    const length = lengthOf(cells, start, closest, closest + 1);
    if (k >= 0 && at - get(cells, runAt(cells, start, k)) <= length) {
      join(cells, start, k, at);
      return true;
    }
    if (k + 1 < runs && get(cells, runAt(cells, start, k + 1) + run.at) - at <= length) {
      join(cells, start, k + 1, at);
      return true;
    }
    mergeRuns(cells, start, closest);
    // It is not between the two, or it would have joined the older.
    if (closest < k) k--;
    runs--;
  }
  for (let to = runs; to > k + 1; to--) copyRun(cells, start, to - 1, to);
  const i = runAt(cells, start, k + 1);
  cells[i + run.firstAt] = at;
  cells[i + run.at] = at;
  cells[i + run.count] = 1;
  cells[start] = runs + 1;
  cells[start + ring.total] = get(cells, start + ring.total) + 1;
  return true;
}

function forgetStale(cells: Cells, start: number, startsAfter: number): void {
  for (let runs = get(cells, start); runs > 0; runs--) {
    const i = runAt(cells, start, 0);
    if (get(cells, i + run.at) > startsAfter) return;
    cells[start + ring.total] = get(cells, start + ring.total) - get(cells, i + run.count);
    const next = get(cells, start + ring.oldest) + 1;
    cells[start + ring.oldest] = next === get(cells, start + ring.places) ? 0 : next;
    cells[start] = runs - 1;
  }
}

/** Makes it one of the k-th run. */
function join(cells: Cells, start: number, k: number, at: number): void {
  const i = runAt(cells, start, k);
  if (at < get(cells, i + run.firstAt)) cells[i + run.firstAt] = at;
  if (at > get(cells, i + run.at)) cells[i + run.at] = at;
  cells[i + run.count] = get(cells, i + run.count) + 1;
  cells[start + ring.total] = get(cells, start + ring.total) + 1;
}

/** How long the runs from one to another would be as one, ms. */
function lengthOf(cells: Cells, start: number, from: number, to: number): number {
  return get(cells, runAt(cells, start, to) + run.at) - get(cells, runAt(cells, start, from));
}

/** The older of the two neighbours that would be the shortest as one. */
function closestRuns(cells: Cells, start: number): number {
  let closest = 0;
  let shortest = Infinity;
  for (let k = 0; k + 1 < get(cells, start); k++) {
    const length = lengthOf(cells, start, k, k + 1);
    if (length >= shortest) continue;
    shortest = length;
    closest = k;
  }
  return closest;
}

/** Makes one of the k-th run and the one after it. */
function mergeRuns(cells: Cells, start: number, k: number): void {
  const runs = get(cells, start);
  const [older, newer] = [runAt(cells, start, k), runAt(cells, start, k + 1)];
  cells[older + run.at] = get(cells, newer + run.at);
  cells[older + run.count] = get(cells, older + run.count) + get(cells, newer + run.count);
  for (let to = k + 1; to + 1 < runs; to++) copyRun(cells, start, to + 1, to);
  cells[start] = runs - 1;
}

/** How many there were after `startsAfter`; of a run that it cuts, those that would be inside if evenly spread. */
export function countOccurrences(cells: Cells, start: number, startsAfter: number): number {
  let count = get(cells, start + ring.total);
  for (let k = 0; k < get(cells, start); k++) {
    const i = runAt(cells, start, k);
    const firstAt = get(cells, i + run.firstAt);
    if (firstAt > startsAfter) break;
    const at = get(cells, i + run.at);
    const all = get(cells, i + run.count);
    count -= all;
    if (at > startsAfter) return count + insideOf(all, (at - startsAfter) / (at - firstAt));
  }
  return count;
}

/** Of a run whose first is outside and whose last is inside. */
function insideOf(all: number, share: number): number {
  return 1 + Math.round((all - 2) * share);
}

/** The runs, the oldest first; times as differences. */
export function packOccurrences(cells: Cells, start: number): number[] | undefined {
  const runs = get(cells, start);
  if (runs === 0) return undefined;
  const packed: number[] = [];
  let before = 0;
  for (let k = 0; k < runs; k++) {
    const i = runAt(cells, start, k);
    const [firstAt, at] = [get(cells, i + run.firstAt), get(cells, i + run.at)];
    packed.push(firstAt - before, at - firstAt, get(cells, i + run.count));
    before = at;
  }
  return packed;
}

/** The inverse of `packOccurrences`. @returns false where there are too few cells for it */
export function unpackOccurrences(
  packed: readonly number[],
  cells: Cells,
  start: number,
  size: number,
): boolean {
  const places = Math.floor((size - ring.first) / run.fields);
  const runs = packed.length / run.fields;
  if (runs > places) return false;
  cells[start] = runs;
  cells[start + ring.oldest] = 0;
  cells[start + ring.places] = places;
  let before = 0;
  let total = 0;
  for (let j = 0; j < packed.length; j += run.fields) {
    const i = start + ring.first + j;
    const firstAt = before + (packed[j] as number);
    before = firstAt + (packed[j + run.at] as number);
    cells[i + run.firstAt] = firstAt;
    cells[i + run.at] = before;
    cells[i + run.count] = packed[j + run.count] as number;
    total += packed[j + run.count] as number;
  }
  cells[start + ring.total] = total;
  return true;
}
