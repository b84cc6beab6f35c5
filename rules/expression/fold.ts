import type { MemoryContent } from './memory-content.js';

/**
 * How the values of one bucket of a window are kept. The content holds the buckets one after another, the oldest
 * first; the first two numbers of each are the time of its newest value and the count of its values, the rest is the
 * fold's. `i` is where the bucket begins in the content.
 */
export interface Fold {
  /** Numbers in a bucket, with the two that all have. */
  readonly fields: number;
  /** Writes a bucket of one value at `i`, over what is there or at the end. */
  put(content: MemoryContent, i: number, at: number, value: number): void;
  /** Takes one more value into a bucket; its newest time and its count are not counted up yet. */
  add(content: MemoryContent, i: number, at: number, value: number): void;
}

const get = (content: MemoryContent, i: number): number => content[i] as number;

/** What the buckets of all folds begin with. */
function begin(content: MemoryContent, i: number, at: number): void {
  content[i] = at;
  content[i + 1] = 1;
}

/** A bucket of time, count and the value itself. */
function putValue(content: MemoryContent, i: number, at: number, value: number): void {
  begin(content, i, at);
  content[i + 2] = value;
}

/** time, count, sum */
const sum: Fold = {
  fields: 3,
  put: putValue,
  add: (content, i, _at, value) => (content[i + 2] = get(content, i + 2) + value),
};

/** time, count, least */
const min: Fold = {
  fields: 3,
  put: putValue,
  add: (content, i, _at, value) => (content[i + 2] = Math.min(get(content, i + 2), value)),
};

/** time, count, greatest */
const max: Fold = {
  fields: 3,
  put: putValue,
  add: (content, i, _at, value) => (content[i + 2] = Math.max(get(content, i + 2), value)),
};

/** time, count, mean, sum of squared differences from it (Welford: exact also for large values that differ little) */
const moments: Fold = {
  fields: 4,
  put: (content, i, at, value) => {
    putValue(content, i, at, value);
    content[i + 3] = 0;
  },
  add: (content, i, _at, value) => {
    const mean = get(content, i + 2);
    const moved = mean + (value - mean) / (get(content, i + 1) + 1);
    content[i + 2] = moved;
    content[i + 3] = get(content, i + 3) + (value - mean) * (value - moved);
  },
};

/** Where the numbers of a `course` bucket are. */
export const course = { last: 2, firstAt: 3, first: 4, changes: 5, increase: 6, resets: 7 } as const;

/** By how much a counter has grown from `before` to `after`: one that is less has started anew from zero. */
export const growth = (before: number, after: number): number => (after >= before ? after - before : after);

/**
 * time, count, last value, time of the first, first value, how often it changed, by how much it grew as a counter,
 * how often it started anew. A value that comes late is counted, but moves only the ends of its bucket.
 */
const courseFold: Fold = {
  fields: 8,
  put: (content, i, at, value) => {
    begin(content, i, at);
    content[i + course.last] = value;
    content[i + course.firstAt] = at;
    content[i + course.first] = value;
    // One after the other, so that the array has no holes at its end.
    for (let j: number = course.changes; j <= course.resets; j++) content[i + j] = 0;
  },
  add: (content, i, at, value) => {
    const takeStep = (before: number, after: number) => {
      if (after !== before) content[i + course.changes] = get(content, i + course.changes) + 1;
      if (after < before) content[i + course.resets] = get(content, i + course.resets) + 1;
      content[i + course.increase] = get(content, i + course.increase) + growth(before, after);
    };
    if (at >= get(content, i)) {
      takeStep(get(content, i + course.last), value);
      content[i + course.last] = value;
    } else if (at < get(content, i + course.firstAt)) {
      takeStep(value, get(content, i + course.first));
      content[i + course.firstAt] = at;
      content[i + course.first] = value;
    }
  },
};

/** Values of one bucket that are kept for a quantile: 20 such buckets tell its rank within a few percent. */
const mostSamples = 16;
/** Where the numbers of a `sample` bucket are. */
export const sample = { stride: 2, kept: 3, values: 4 } as const;

/** time, count, every how many values one is kept, how many are, and these. Full, every other one goes. */
const sampleFold: Fold = {
  fields: sample.values + mostSamples,
  put: (content, i, at, value) => {
    begin(content, i, at);
    content[i + sample.stride] = 1;
    content[i + sample.kept] = 1;
    content[i + sample.values] = value;
    for (let j = 1; j < mostSamples; j++) content[i + sample.values + j] = 0;
  },
  add: (content, i, _at, value) => {
    if (get(content, i + 1) % get(content, i + sample.stride) !== 0) return;
    let kept = get(content, i + sample.kept);
    if (kept === mostSamples) {
      for (let j = 0; j < mostSamples / 2; j++)
        content[i + sample.values + j] = get(content, i + sample.values + 2 * j);
      kept = mostSamples / 2;
      content[i + sample.stride] = 2 * get(content, i + sample.stride);
    }
    content[i + sample.values + kept] = value;
    content[i + sample.kept] = kept + 1;
  },
};

export const folds = { sum, min, max, moments, course: courseFold, sample: sampleFold } as const;
export type FoldName = keyof typeof folds;
