import type { Bilingual } from '../alarm.js';
import { course, courses, growth, sample, sums } from './fold.js';
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

/** A number summed over the buckets in the window: that of all, less those that have left it. */
function total(buckets: Buckets, name: keyof typeof sums): number {
  const { totals, stale, cells } = buckets;
  const field = 1 + sums[name];
  if (totals < 0) return get(buckets, 0, field);
  let sum = cells[totals + sums[name]] as number;
  for (let k = -stale; k < 0; k++) sum -= get(buckets, k, field);
  return sum;
}

/** Billionths are what rounding leaves behind: without them a mean of equal values is that value. */
const perUnit = 1e9;

function meanOf(buckets: Buckets): number {
  return Math.round((total(buckets, 'sum') / total(buckets, 'count')) * perUnit) / perUnit;
}

interface Moments {
  count: number;
  mean: number;
  /** Sum of the squared differences from the mean. */
  squares: number;
}

/** Count, mean and spread of the buckets from the k-th oldest up to another. */
function momentsOf(buckets: Buckets, from: number, until: number): Moments {
  const all: Moments = { count: 0, mean: 0, squares: 0 };
  for (let k = from; k < until; k++) {
    const more = get(buckets, k, 1);
    const apart = get(buckets, k, 2) - all.mean;
    const count = all.count + more;
    all.squares += get(buckets, k, 3) + (apart * apart * all.count * more) / count;
    all.mean += (apart * more) / count;
    all.count = count;
  }
  return all;
}

/** Fewer values than this, and nobody can tell how far they usually are apart. */
const fewestForShift = 5;

/** By how many standard deviations the newer half of the window is above the older one. */
function levelShift(buckets: Buckets, middle: number): number {
  let split = 0;
  while (split < buckets.count && get(buckets, split, 0) <= middle) split++;
  const before = momentsOf(buckets, 0, split);
  const after = momentsOf(buckets, split, buckets.count);
  if (before.count < fewestForShift || after.count < fewestForShift) return NaN;
  const moved = after.mean - before.mean;
  if (moved === 0) return 0;
  const spread = Math.sqrt((before.squares + after.squares) / (before.count + after.count));
  // Of values that hardly differ, a move within a thousandth of their size is no shift.
  return moved / Math.max(spread, Math.abs(before.mean) / 1000, Number.MIN_VALUE);
}

/** Something summed over the buckets in the window, and over the steps from each to the next. */
function alongCourse(
  buckets: Buckets,
  name: keyof typeof courses,
  between: (last: number, first: number) => number,
): number {
  const { totals, stale, count, cells } = buckets;
  const field = course[name];
  const step = (k: number) => between(get(buckets, k - 1, course.last), get(buckets, k, course.first));
  if (totals < 0) return get(buckets, 0, field);
  let sum = cells[totals + courses[name]] as number;
  for (let k = -stale; k < 0; k++) sum -= get(buckets, k, field) + step(k + 1);
  return count > 0 ? sum : NaN;
}

export const aggregations = {
  mean: {
    fold: 'sum',
    gives: { en: 'the mean of its values', zh: '平均值' },
    read: meanOf,
  },
  count: {
    fold: 'sum',
    gives: { en: 'how many values there were; 0 where there was none', zh: '值的个数；没有值时为 0' },
    read: (buckets) => total(buckets, 'count'),
  },
  min: {
    fold: 'min',
    gives: { en: 'the least of its values', zh: '最小值' },
    read: (buckets) => get(buckets, 0, 2),
  },
  max: {
    fold: 'max',
    gives: { en: 'the greatest of its values', zh: '最大值' },
    read: (buckets) => get(buckets, 0, 2),
  },
  stddev: {
    fold: 'moments',
    gives: { en: 'the standard deviation of its values', zh: '标准差' },
    read: (buckets) => {
      const { count, squares } = momentsOf(buckets, 0, buckets.count);
      return Math.sqrt(squares / count);
    },
  },
  level_shift: {
    fold: 'moments',
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
      const newest = buckets.count - 1;
      if (get(buckets, newest, 0) === get(buckets, 0, course.firstAt)) return NaN;
      return get(buckets, newest, course.last) - get(buckets, 0, course.first);
    },
  },
  rate: {
    fold: 'course',
    gives: {
      en: 'its change an hour; unknown until the values span half of the time',
      zh: '每小时的变化；数据未覆盖一半时间时未知',
    },
    read: (buckets, { lengthMs }) => {
      const newest = buckets.count - 1;
      const spanMs = get(buckets, newest, 0) - get(buckets, 0, course.firstAt);
      if (spanMs * 2 < lengthMs || spanMs === 0) return NaN;
      return ((get(buckets, newest, course.last) - get(buckets, 0, course.first)) * msPerHour) / spanMs;
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
    fold: 'sample',
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
  return aggregate === 'count' ? 0 : NaN;
}

/** The nearest rank, each kept value standing for as many as its bucket had for each that it kept. */
function readQuantile(buckets: Buckets, q: number): number {
  const values: { readonly value: number; readonly weight: number }[] = [];
  let count = 0;
  for (let k = 0; k < buckets.count; k++) {
    const kept = get(buckets, k, sample.kept);
    const weight = get(buckets, k, 1) / kept;
    count += get(buckets, k, 1);
    for (let j = 0; j < kept; j++) values.push({ value: get(buckets, k, sample.values + j), weight });
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
