import type { Cells } from './cells.js';

/** What is known of all buckets of a window together, so that nobody has to go through them. */
interface Running {
  /** Numbers that it takes; `t` is where they begin in the cells. */
  readonly totals: number;
  /** A value came that is newer than all others. @param before the newest until then, NaN without one */
  step(cells: Cells, t: number, before: number, value: number): void;
  /** The bucket at `i` is to be counted, after all others. @param previous where the one before it begins; -1: none */
  gather(cells: Cells, t: number, i: number, previous: number): void;
  /** The oldest bucket, at `i`, is to be counted no more. @param next where the one after it begins; -1: none */
  drop(cells: Cells, t: number, i: number, next: number): void;
}

/**
 * How the values of one bucket of a window are kept. The first three numbers of each bucket are the time of its newest
 * value, the count of its values, and what is the newest of them or stands for all; the rest is the fold's. `i` is
 * where the bucket begins in the cells.
 */
export interface Fold {
  /** Numbers in a bucket, with those that all have. */
  readonly fields: number;
  /** Writes a bucket of one value at `i`, over what is there. */
  put(cells: Cells, i: number, at: number, value: number): void;
  /** Takes one more value into a bucket; its newest time and its count are not counted up yet. */
  add(cells: Cells, i: number, at: number, value: number): void;
  readonly running?: Running;
}

const get = (cells: Cells, i: number): number => cells[i] as number;

/** A bucket of time, count and the value itself. */
function putValue(cells: Cells, i: number, at: number, value: number): void {
  cells[i] = at;
  cells[i + 1] = 1;
  cells[i + 2] = value;
}

/** Where the totals of a `sum` are. */
export const sums = { count: 0, sum: 1 } as const;

/** time, count, sum */
const sum: Fold = {
  fields: 3,
  put: putValue,
  add: (cells, i, _at, value) => (cells[i + 2] = get(cells, i + 2) + value),
  running: {
    totals: 2,
    step: (cells, t, _before, value) => {
      cells[t] = get(cells, t) + 1;
      cells[t + 1] = get(cells, t + 1) + value;
    },
    gather: (cells, t, i) => {
      cells[t] = get(cells, t) + get(cells, i + 1);
      cells[t + 1] = get(cells, t + 1) + get(cells, i + 2);
    },
    drop: (cells, t, i) => {
      cells[t] = get(cells, t) - get(cells, i + 1);
      cells[t + 1] = get(cells, t + 1) - get(cells, i + 2);
    },
  },
};

/** time, count, least */
const min: Fold = {
  fields: 3,
  put: putValue,
  add: (cells, i, _at, value) => (cells[i + 2] = Math.min(get(cells, i + 2), value)),
};

/** time, count, greatest */
const max: Fold = {
  fields: 3,
  put: putValue,
  add: (cells, i, _at, value) => (cells[i + 2] = Math.max(get(cells, i + 2), value)),
};

/** time, count, mean, sum of squared differences from it (Welford: exact also for large values that differ little) */
const moments: Fold = {
  fields: 4,
  put: (cells, i, at, value) => {
    putValue(cells, i, at, value);
    cells[i + 3] = 0;
  },
  add: (cells, i, _at, value) => {
    const mean = get(cells, i + 2);
    const moved = mean + (value - mean) / (get(cells, i + 1) + 1);
    cells[i + 2] = moved;
    cells[i + 3] = get(cells, i + 3) + (value - mean) * (value - moved);
  },
};

/** Where the numbers of a `course` bucket are; its totals are the last three of them. */
export const course = { last: 2, firstAt: 3, first: 4, changes: 5, increase: 6, resets: 7 } as const;
export const courses = { changes: 0, increase: 1, resets: 2 } as const;

/** By how much a counter has grown from `before` to `after`: one that is less has started anew from zero. */
export const growth = (before: number, after: number): number => (after >= before ? after - before : after);

/** Counts the step from one value to the next where changes, increase and resets are, `by` times. */
function countStep(cells: Cells, i: number, before: number, after: number, by: 1 | -1): void {
  if (after !== before) cells[i] = get(cells, i) + by;
  cells[i + 1] = get(cells, i + 1) + by * growth(before, after);
  if (after < before) cells[i + 2] = get(cells, i + 2) + by;
}

/**
 * time, count, last value, time of the first, first value, how often it changed, by how much it grew as a counter,
 * how often it started anew. A value that comes late is counted, but moves only the ends of its bucket.
 */
const courseFold: Fold = {
  fields: 8,
  put: (cells, i, at, value) => {
    putValue(cells, i, at, value);
    cells[i + course.firstAt] = at;
    cells[i + course.first] = value;
    cells.fill(0, i + course.changes, i + course.resets + 1);
  },
  add: (cells, i, at, value) => {
    if (at >= get(cells, i)) {
      countStep(cells, i + course.changes, get(cells, i + course.last), value, 1);
      cells[i + course.last] = value;
    } else if (at < get(cells, i + course.firstAt)) {
      countStep(cells, i + course.changes, value, get(cells, i + course.first), 1);
      cells[i + course.firstAt] = at;
      cells[i + course.first] = value;
    }
  },
  running: {
    totals: 3,
    step: (cells, t, before, value) => {
      if (!Number.isNaN(before)) countStep(cells, t, before, value, 1);
    },
    gather: (cells, t, i, previous) => {
      for (let j = 0; j < 3; j++) cells[t + j] = get(cells, t + j) + get(cells, i + course.changes + j);
      if (previous >= 0)
        countStep(cells, t, get(cells, previous + course.last), get(cells, i + course.first), 1);
    },
    drop: (cells, t, i, next) => {
      for (let j = 0; j < 3; j++) cells[t + j] = get(cells, t + j) - get(cells, i + course.changes + j);
      if (next >= 0) countStep(cells, t, get(cells, i + course.last), get(cells, next + course.first), -1);
    },
  },
};

/** Values of one bucket that are kept for a quantile: 20 such buckets tell its rank within a few percent. */
const mostSamples = 16;
/** Where the numbers of a `sample` bucket are; the third is only there because all have it. */
export const sample = { stride: 3, kept: 4, values: 5 } as const;

/** time, count, 0, every how many values one is kept, how many are, and these. Full, every other one goes. */
const sampleFold: Fold = {
  fields: sample.values + mostSamples,
  put: (cells, i, at, value) => {
    putValue(cells, i, at, 0);
    cells[i + sample.stride] = 1;
    cells[i + sample.kept] = 1;
    cells[i + sample.values] = value;
    cells.fill(0, i + sample.values + 1, i + sample.values + mostSamples);
  },
  add: (cells, i, _at, value) => {
    if (get(cells, i + 1) % get(cells, i + sample.stride) !== 0) return;
    let kept = get(cells, i + sample.kept);
    if (kept === mostSamples) {
      for (let j = 0; j < mostSamples / 2; j++)
        cells[i + sample.values + j] = get(cells, i + sample.values + 2 * j);
      kept = mostSamples / 2;
      cells[i + sample.stride] = 2 * get(cells, i + sample.stride);
    }
    cells[i + sample.values + kept] = value;
    cells[i + sample.kept] = kept + 1;
  },
};

export const folds = { sum, min, max, moments, course: courseFold, sample: sampleFold } as const;
export type FoldName = keyof typeof folds;
