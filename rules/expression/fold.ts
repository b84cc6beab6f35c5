import type { Cells } from './cells.js';

/** What is known of all buckets of a window together, so that nobody has to go through them. */
interface Running {
  /** Numbers that it takes; `t` is where they begin in the cells. */
  readonly totals: number;
  /** A value came that is newer than all others. @param newest where the newest bucket begins; -1: there is none */
  step(cells: Cells, t: number, newest: number, value: number, weight: number): void;
  /** The bucket at `i` is to be counted, after all others. @param previous where the one before it begins; -1: none */
  gather(cells: Cells, t: number, i: number, previous: number): void;
  /** The oldest bucket, at `i`, is to be counted no more. @param next where the one after it begins; -1: none */
  drop(cells: Cells, t: number, i: number, next: number): void;
}

/**
 * How the values of one bucket of a window are kept. The first number of each bucket is the time of its newest value;
 * the rest is the fold's. `i` is where the bucket begins in the cells; `weight` is the time that a value stands for, ms.
 */
export interface Fold {
  /** Numbers in a bucket, with the time. */
  readonly fields: number;
  /**
   * Writes a bucket of one value at `i`, over what is there.
   */
  put(cells: Cells, i: number, at: number, value: number, weight: number): void;
  /** Takes one more value into a bucket, whose newest time is not moved yet. */
  add(cells: Cells, i: number, at: number, value: number, weight: number): void;
  /**
   * Leaves a share of the bucket's weight. Where there is this, values are weighed by the time that they stand for,
   * and the second number of a bucket is the weight of all of them.
   */
  scale?(cells: Cells, i: number, share: number): void;
  readonly running?: Running;
}

const get = (cells: Cells, i: number): number => cells[i] as number;

/** A bucket of a time and the value itself. */
function putValue(cells: Cells, i: number, at: number, value: number): void {
  cells[i] = at;
  cells[i + 1] = value;
}

/** Where the numbers of a `span` bucket are; its totals are these two. */
export const span = { weight: 1, sum: 2 } as const;

/** time, weight, weighed sum */
const spanFold: Fold = {
  fields: 3,
  put: (cells, i, at, value, weight) => {
    cells[i] = at;
    cells[i + span.weight] = weight;
    cells[i + span.sum] = weight * value;
  },
  add: (cells, i, _at, value, weight) => {
    cells[i + span.weight] = get(cells, i + span.weight) + weight;
    cells[i + span.sum] = get(cells, i + span.sum) + weight * value;
  },
  scale: (cells, i, share) => {
    cells[i + span.weight] = get(cells, i + span.weight) * share;
    cells[i + span.sum] = get(cells, i + span.sum) * share;
  },
  running: {
    totals: 2,
    step: (cells, t, _newest, value, weight) => {
      cells[t] = get(cells, t) + weight;
      cells[t + 1] = get(cells, t + 1) + weight * value;
    },
    gather: (cells, t, i) => {
      cells[t] = get(cells, t) + get(cells, i + span.weight);
      cells[t + 1] = get(cells, t + 1) + get(cells, i + span.sum);
    },
    drop: (cells, t, i) => {
      cells[t] = get(cells, t) - get(cells, i + span.weight);
      cells[t + 1] = get(cells, t + 1) - get(cells, i + span.sum);
    },
  },
};

/** time, count */
const times: Fold = {
  fields: 2,
  put: (cells, i, at) => {
    cells[i] = at;
    cells[i + 1] = 1;
  },
  add: (cells, i) => (cells[i + 1] = get(cells, i + 1) + 1),
};

/** time, least */
const least: Fold = {
  fields: 2,
  put: putValue,
  add: (cells, i, _at, value) => (cells[i + 1] = Math.min(get(cells, i + 1), value)),
};

/** time, greatest */
const greatest: Fold = {
  fields: 2,
  put: putValue,
  add: (cells, i, _at, value) => (cells[i + 1] = Math.max(get(cells, i + 1), value)),
};

/** Where the numbers of a `spread` bucket are. */
export const spread = { weight: 1, count: 2, mean: 3, squares: 4 } as const;

/**
 * time, weight, count, mean, weighed sum of squared differences from it (Welford: exact also for large values that
 * differ little)
 */
const spreadFold: Fold = {
  fields: 5,
  put: (cells, i, at, value, weight) => {
    cells[i] = at;
    cells[i + spread.weight] = weight;
    cells[i + spread.count] = 1;
    cells[i + spread.mean] = value;
    cells[i + spread.squares] = 0;
  },
  add: (cells, i, _at, value, weight) => {
    const all = get(cells, i + spread.weight) + weight;
    const mean = get(cells, i + spread.mean);
    const moved = all > 0 ? mean + ((value - mean) * weight) / all : value;
    cells[i + spread.weight] = all;
    cells[i + spread.count] = get(cells, i + spread.count) + 1;
    cells[i + spread.mean] = moved;
    cells[i + spread.squares] = get(cells, i + spread.squares) + weight * (value - mean) * (value - moved);
  },
  scale: (cells, i, share) => {
    cells[i + spread.weight] = get(cells, i + spread.weight) * share;
    cells[i + spread.squares] = get(cells, i + spread.squares) * share;
  },
};

/** Where the numbers of a `course` bucket are; its totals are the last three of them. */
export const course = {
  count: 1,
  last: 2,
  firstAt: 3,
  first: 4,
  changes: 5,
  increase: 6,
  resets: 7,
} as const;
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
    cells[i] = at;
    cells[i + course.count] = 1;
    cells[i + course.last] = value;
    cells[i + course.firstAt] = at;
    cells[i + course.first] = value;
    cells.fill(0, i + course.changes, i + course.resets + 1);
  },
  add: (cells, i, at, value) => {
    cells[i + course.count] = get(cells, i + course.count) + 1;
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
    step: (cells, t, newest, value) => {
      if (newest >= 0) countStep(cells, t, get(cells, newest + course.last), value, 1);
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
/** Where the numbers of a `reservoir` bucket are. */
export const reservoir = { count: 1, kept: 2, values: 3 } as const;

/**
 * time, count, how many values are kept, and these: each value of the bucket is as likely as any other to be among
 * them (reservoir sampling, Vitter 1985), so that what repeats in step with the buckets is no other than it is. What
 * is drawn depends on nothing but times and counts, so that a replay draws the same.
 */
const reservoirFold: Fold = {
  fields: reservoir.values + mostSamples,
  put: (cells, i, at, value) => {
    cells[i] = at;
    cells[i + reservoir.count] = 1;
    cells[i + reservoir.kept] = 1;
    cells[i + reservoir.values] = value;
    cells.fill(0, i + reservoir.values + 1, i + reservoir.values + mostSamples);
  },
  add: (cells, i, at, value) => {
    const count = get(cells, i + reservoir.count) + 1;
    const kept = get(cells, i + reservoir.kept);
    cells[i + reservoir.count] = count;
    if (kept < mostSamples) {
      cells[i + reservoir.values + kept] = value;
      cells[i + reservoir.kept] = kept + 1;
      return;
    }
    const drawn = hash(at, count) % count;
    if (drawn < mostSamples) cells[i + reservoir.values + drawn] = value;
  },
};

/** A whole number below 2³² that looks drawn by lot (the mixing of MurmurHash3). */
function hash(at: number, count: number): number {
  let h = Math.imul((at % 4_294_967_296) | 0, 0xcc9e2d51) ^ Math.imul(count, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export const folds = {
  span: spanFold,
  times,
  least,
  greatest,
  spread: spreadFold,
  course: courseFold,
  reservoir: reservoirFold,
} as const;
export type FoldName = keyof typeof folds;
