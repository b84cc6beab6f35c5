import type { Bilingual } from '../alarm.js';
import { course, courses, growth, reservoir, span, spread } from './fold.js';
import type { FoldName } from './fold.js';
import type { Buckets } from './ring.js';

/** What a window can be asked for: how its buckets are kept, and how the answer is read from those in it. */
interface Aggregation {
  readonly fold: FoldName;
  /** One sentence for the reference: what it gives, in which unit. */
  readonly gives: Bilingual;
  /** NaN where it is unknown. There is at least one bucket. */
  read(buckets: Buckets, question: Question): number;
}

/** What else the answer depends on. */
interface Question {
  readonly lengthMs: number;
  /** The time that is asked about, epoch ms. */
  readonly at: number;
  /** Of a quantile: 0 to 1. */
  readonly q: number;
}

const msPerHour = 3_600_000;

/** A number of the k-th oldest bucket. */
const get = (buckets: Buckets, k: number, field: number): number =>
  buckets.cells[buckets.at(k) + field] as number;

/** Weight, or weighed sum, of the values in the window: that of all buckets, less what has left it. */
function total(buckets: Buckets, name: keyof typeof span): number {
  const { totals, stale, cells, startsAfter } = buckets;
  const field = span[name];
  if (totals < 0) return get(buckets, 0, field);
  let sum = cells[totals + field - 1] as number;
  for (let k = -stale; k < 0; k++) sum -= get(buckets, k, field);
  const weight = get(buckets, 0, span.weight);
  const outside = weight - (get(buckets, 0, 0) - startsAfter);
  return outside > 0 ? sum - get(buckets, 0, field) * (outside / weight) : sum;
}

/** Billionths are what rounding leaves behind: without them a mean of equal values is that value. */
const perUnit = 1e9;

const withoutResidue = (x: number): number => Math.round(x * perUnit) / perUnit;

interface Moments {
  weight: number;
  /** How many values; that of a bucket that is cut counts in part. */
  count: number;
  mean: number;
  /** Weighed sum of the squared differences from the mean. */
  squares: number;
}

/** Weight, mean and spread of what stands for the time from one time to another. */
function momentsOf(buckets: Buckets, from: number, until: number): Moments {
  const all: Moments = { weight: 0, count: 0, mean: 0, squares: 0 };
  for (let k = 0; k < buckets.count; k++) {
    const at = get(buckets, k, 0);
    const whole = get(buckets, k, spread.weight);
    const more = Math.min(at, until) - Math.max(at - whole, from);
    if (!(more > 0)) continue;
    const share = more / whole;
    const apart = get(buckets, k, spread.mean) - all.mean;
    const weight = all.weight + more;
    all.squares += get(buckets, k, spread.squares) * share + (apart * apart * all.weight * more) / weight;
    all.mean += (apart * more) / weight;
    all.count += get(buckets, k, spread.count) * share;
    all.weight = weight;
  }
  return all;
}

/** Fewer values than this, and nobody can tell how far they usually are apart. */
const fewestForShift = 5 - 1e-6;

/** By how many standard deviations the newer half of the window is above the older one. */
function levelShift(buckets: Buckets, middle: number): number {
  const before = momentsOf(buckets, buckets.startsAfter, middle);
  const after = momentsOf(buckets, middle, Infinity);
  if (before.count < fewestForShift || after.count < fewestForShift) return NaN;
  const moved = after.mean - before.mean;
  if (moved === 0) return 0;
  const deviation = Math.sqrt((before.squares + after.squares) / (before.weight + after.weight));
  // Of values that hardly differ, a move within a thousandth of their size is no shift.
  return moved / Math.max(deviation, Math.abs(before.mean) / 1000, Number.MIN_VALUE);
}

/**
 * The share of the steps of the first bucket that are between values in the window, as if they were evenly spread;
 * exact where it has one value or two.
 */
function stepsInside(buckets: Buckets): number {
  const { startsAfter } = buckets;
  const firstAt = get(buckets, 0, course.firstAt);
  const count = get(buckets, 0, course.count);
  if (firstAt > startsAfter || count < 2) return 1;
  const at = get(buckets, 0, 0);
  return ((count - 2) * (at - startsAfter)) / ((count - 1) * (at - firstAt));
}

/** By how much the last value is more than the first in the window, and over how long, ms. */
function courseOf(buckets: Buckets): { readonly change: number; readonly spanMs: number } {
  const newest = buckets.count - 1;
  const inside = stepsInside(buckets);
  const [last, at] = [get(buckets, 0, course.last), get(buckets, 0, 0)];
  const first = last - (last - get(buckets, 0, course.first)) * inside;
  const firstAt = at - (at - get(buckets, 0, course.firstAt)) * inside;
  return { change: get(buckets, newest, course.last) - first, spanMs: get(buckets, newest, 0) - firstAt };
}

/** Something summed over the buckets in the window, and over the steps from each to the next. */
function alongCourse(
  buckets: Buckets,
  name: keyof typeof courses,
  between: (last: number, first: number) => number,
): number {
  const { totals, stale, cells } = buckets;
  const field = course[name];
  if (totals < 0) return get(buckets, 0, field);
  const step = (k: number) => between(get(buckets, k - 1, course.last), get(buckets, k, course.first));
  let sum = cells[totals + courses[name]] as number;
  for (let k = -stale; k < 0; k++) sum -= get(buckets, k, field) + step(k + 1);
  const outside = get(buckets, 0, field) * (1 - stepsInside(buckets));
  return name === 'increase' ? sum - outside : sum - Math.round(outside);
}

export const aggregations = {
  mean: {
    fold: 'span',
    gives: {
      en: 'the mean of its values, each weighed by the time since the one before it, up to two intervals of the device',
      zh: '平均值，各值按距前一个值的时间加权，最多两个上报间隔',
    },
    read: (buckets) => withoutResidue(total(buckets, 'sum') / total(buckets, 'weight')),
  },
  coverage: {
    fold: 'span',
    gives: {
      en: 'the share of the time that its values stand for, 0 to 1: each for the time since the one before it, up to two intervals of the device',
      zh: '有数据的时间所占比例，0 到 1：每个值代表距前一个值的时间，最多两个上报间隔',
    },
    read: (buckets, { lengthMs }) => Math.min(1, withoutResidue(total(buckets, 'weight') / lengthMs)),
  },
  count: {
    fold: 'times',
    gives: {
      en: 'how many values there were; 0 where there was none',
      zh: '值的个数；没有值时为 0',
    },
    read: (buckets) => get(buckets, 0, 1),
  },
  min: {
    fold: 'least',
    gives: { en: 'the least of its values', zh: '最小值' },
    read: (buckets) => get(buckets, 0, 1),
  },
  max: {
    fold: 'greatest',
    gives: { en: 'the greatest of its values', zh: '最大值' },
    read: (buckets) => get(buckets, 0, 1),
  },
  stddev: {
    fold: 'spread',
    gives: { en: 'the standard deviation of its values', zh: '标准差' },
    read: (buckets) => {
      const { weight, squares } = momentsOf(buckets, buckets.startsAfter, Infinity);
      return Math.sqrt(squares / weight);
    },
  },
  level_shift: {
    fold: 'spread',
    gives: {
      en: 'by how many standard deviations the mean of this time differs from that of as long before',
      zh: '这段时间的均值与之前同样长时间的均值相差几个标准差',
    },
    read: (buckets, { at, lengthMs }) => levelShift(buckets, at - lengthMs / 2),
  },
  change: {
    fold: 'course',
    gives: { en: 'its last value less its first', zh: '末值减首值' },
    read: (buckets) => {
      const { change, spanMs } = courseOf(buckets);
      return spanMs === 0 ? NaN : change;
    },
  },
  rate: {
    fold: 'course',
    gives: {
      en: 'its change an hour; unknown until the values span half of the time',
      zh: '每小时的变化；数据未覆盖一半时间时未知',
    },
    read: (buckets, { lengthMs }) => {
      const { change, spanMs } = courseOf(buckets);
      return spanMs * 2 < lengthMs || spanMs === 0 ? NaN : (change * msPerHour) / spanMs;
    },
  },
  changes: {
    fold: 'course',
    gives: { en: 'how often it changed from one value to the next', zh: '相邻两值之间变化的次数' },
    read: (buckets) => alongCourse(buckets, 'changes', (last, first) => (last === first ? 0 : 1)),
  },
  increase: {
    fold: 'course',
    gives: {
      en: 'by how much a counter grew, also where it started anew from zero',
      zh: '计数器增长多少，清零重计也算在内',
    },
    read: (buckets) => alongCourse(buckets, 'increase', growth),
  },
  resets: {
    fold: 'course',
    gives: { en: 'how often a counter started anew', zh: '计数器清零重计的次数' },
    read: (buckets) => alongCourse(buckets, 'resets', (last, first) => (first < last ? 1 : 0)),
  },
  quantile: {
    fold: 'reservoir',
    gives: {
      en: 'the value that this share of its values does not exceed, by rank within a few percent',
      zh: '这一比例的值都不超过的数（分位数，按名次误差百分之几）',
    },
    read: (buckets, { q }) => readQuantile(buckets, q),
  },
} as const satisfies Readonly<Record<string, Aggregation>>;

/** `share` is the one that asks for a condition in place of a metric; it is the mean of its being true. */
export type Aggregate = keyof typeof aggregations;

export const aggregates = Object.keys(aggregations) as readonly Aggregate[];

/** Answers the question from the buckets; NaN where it is unknown. */
export function readAggregate(aggregate: Aggregate, buckets: Buckets, question: Question): number {
  if (buckets.count === 0) return whenEmpty(aggregate);
  const aggregation: Aggregation = aggregations[aggregate];
  return aggregation.read(buckets, question);
}

/** The answer where there is no value. */
export function whenEmpty(aggregate: Aggregate): number {
  return aggregate === 'count' || aggregate === 'coverage' ? 0 : NaN;
}

/** The nearest rank, each kept value standing for as many as its bucket had for each that it kept. */
function readQuantile(buckets: Buckets, q: number): number {
  const values: { readonly value: number; readonly weight: number }[] = [];
  let count = 0;
  for (let k = 0; k < buckets.count; k++) {
    const kept = get(buckets, k, reservoir.kept);
    const inside = k === 0 ? valuesInside(buckets) : get(buckets, k, reservoir.count);
    const weight = inside / kept;
    count += inside;
    for (let j = 0; j < kept; j++) values.push({ value: get(buckets, k, reservoir.values + j), weight });
  }
  values.sort((a, b) => a.value - b.value);
  // Half of a value's weight lies on either side of it.
  let rank = 0;
  for (const { value, weight } of values) {
    rank += weight;
    if (rank >= q * count - 1e-9) return value;
  }
  return values.at(-1)?.value ?? NaN;
}

/** How many values of the first bucket are in the window, as if they were evenly spread over it. */
function valuesInside(buckets: Buckets): number {
  const { startsAfter, firstFrom } = buckets;
  const count = get(buckets, 0, reservoir.count);
  if (firstFrom >= startsAfter) return count;
  const share = (get(buckets, 0, 0) - startsAfter) / (get(buckets, 0, 0) - firstFrom);
  return 1 + (count - 1) * share;
}
