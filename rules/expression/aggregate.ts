import type { Bilingual } from '../alarm.js';
import { course, folds, growth, sample } from './fold.js';
import type { FoldName } from './fold.js';
import type { MemoryContent } from './memory-content.js';

/** What a window can be asked for: how its buckets are kept, and how the answer is read from those in it. */
interface Aggregation {
  readonly fold: FoldName;
  /** One sentence for the reference: what it gives, in which unit. */
  readonly gives: Bilingual;
  /** NaN where it is unknown. `content` has at least one bucket from `from` on. */
  read(content: MemoryContent, from: number, question: Question): number;
}

/** What else the answer depends on. */
interface Question {
  readonly lengthMs: number;
  /** The time that is asked about, epoch ms. */
  readonly at: number;
  /** Of a quantile: 0 to 1. */
  readonly q: number;
}

const get = (content: MemoryContent, i: number): number => content[i] as number;
const msPerHour = 3_600_000;
const strides = {
  sum: folds.sum.fields,
  least: folds.min.fields,
  moments: folds.moments.fields,
  course: folds.course.fields,
  sample: folds.sample.fields,
} as const;

function total(content: MemoryContent, from: number, field: number): number {
  let sum = 0;
  for (let i = from; i < content.length; i += strides.sum) sum += get(content, i + field);
  return sum;
}

/** The least or greatest of what the buckets hold. */
function extreme(content: MemoryContent, from: number, choose: (a: number, b: number) => number): number {
  let found = get(content, from + 2);
  for (let i = from + strides.least; i < content.length; i += strides.least)
    found = choose(found, get(content, i + 2));
  return found;
}

interface Moments {
  count: number;
  mean: number;
  /** Sum of the squared differences from the mean. */
  squares: number;
}

/** Count, mean and spread of the buckets from `from` up to `until`. */
function momentsOf(content: MemoryContent, from: number, until: number): Moments {
  const all: Moments = { count: 0, mean: 0, squares: 0 };
  for (let i = from; i < until; i += strides.moments) {
    const more = get(content, i + 1);
    const apart = get(content, i + 2) - all.mean;
    const count = all.count + more;
    all.squares += get(content, i + 3) + (apart * apart * all.count * more) / count;
    all.mean += (apart * more) / count;
    all.count = count;
  }
  return all;
}

/** Fewer values than this, and nobody can tell how far they usually are apart. */
const fewestForShift = 5;

/** By how many standard deviations the newer half of the window is above the older one. */
function levelShift(content: MemoryContent, from: number, middle: number): number {
  let split = from;
  while (split < content.length && get(content, split) <= middle) split += strides.moments;
  const before = momentsOf(content, from, split);
  const after = momentsOf(content, split, content.length);
  if (before.count < fewestForShift || after.count < fewestForShift) return NaN;
  const moved = after.mean - before.mean;
  if (moved === 0) return 0;
  const spread = Math.sqrt((before.squares + after.squares) / (before.count + after.count));
  // Of values that hardly differ, a move within a thousandth of their size is no shift.
  return moved / Math.max(spread, Math.abs(before.mean) / 1000, Number.MIN_VALUE);
}

/** Sums something over the buckets, and over the steps from each to the next. */
function alongCourse(
  content: MemoryContent,
  from: number,
  field: number,
  between: (last: number, first: number) => number,
): number {
  let sum = get(content, from + field);
  const stride = strides.course;
  for (let i = from + stride; i < content.length; i += stride) {
    sum +=
      get(content, i + field) +
      between(get(content, i - stride + course.last), get(content, i + course.first));
  }
  return sum;
}

export const aggregations = {
  mean: {
    fold: 'sum',
    gives: { en: 'the mean of its values', zh: '平均值' },
    read: (content, from) => total(content, from, 2) / total(content, from, 1),
  },
  count: {
    fold: 'sum',
    gives: { en: 'how many values there were; 0 where there was none', zh: '值的个数；没有值时为 0' },
    read: (content, from) => total(content, from, 1),
  },
  min: {
    fold: 'min',
    gives: { en: 'the least of its values', zh: '最小值' },
    read: (content, from) => extreme(content, from, Math.min),
  },
  max: {
    fold: 'max',
    gives: { en: 'the greatest of its values', zh: '最大值' },
    read: (content, from) => extreme(content, from, Math.max),
  },
  stddev: {
    fold: 'moments',
    gives: { en: 'the standard deviation of its values', zh: '标准差' },
    read: (content, from) => {
      const { count, squares } = momentsOf(content, from, content.length);
      return Math.sqrt(squares / count);
    },
  },
  level_shift: {
    fold: 'moments',
    gives: {
      en: 'by how many standard deviations the mean of this time differs from that of as long before',
      zh: '这段时间的均值与之前同样长时间的均值相差几个标准差',
    },
    read: (content, from, { at, lengthMs }) => levelShift(content, from, at - lengthMs / 2),
  },
  change: {
    fold: 'course',
    gives: { en: 'its last value less its first', zh: '末值减首值' },
    read: (content, from) => {
      const last = content.length - strides.course;
      if (get(content, last) === get(content, from + course.firstAt)) return NaN;
      return get(content, last + course.last) - get(content, from + course.first);
    },
  },
  rate: {
    fold: 'course',
    gives: {
      en: 'its change an hour; unknown until the values span half of the time',
      zh: '每小时的变化；数据未覆盖一半时间时未知',
    },
    read: (content, from, { lengthMs }) => {
      const last = content.length - strides.course;
      const spanMs = get(content, last) - get(content, from + course.firstAt);
      if (spanMs * 2 < lengthMs || spanMs === 0) return NaN;
      return ((get(content, last + course.last) - get(content, from + course.first)) * msPerHour) / spanMs;
    },
  },
  changes: {
    fold: 'course',
    gives: { en: 'how often it changed from one value to the next', zh: '相邻两值之间变化的次数' },
    read: (content, from) =>
      alongCourse(content, from, course.changes, (last, first) => (last === first ? 0 : 1)),
  },
  increase: {
    fold: 'course',
    gives: {
      en: 'by how much a counter grew, also where it started anew from zero',
      zh: '计数器增长多少，清零重计也算在内',
    },
    read: (content, from) => alongCourse(content, from, course.increase, growth),
  },
  resets: {
    fold: 'course',
    gives: { en: 'how often a counter started anew', zh: '计数器清零重计的次数' },
    read: (content, from) =>
      alongCourse(content, from, course.resets, (last, first) => (first < last ? 1 : 0)),
  },
  quantile: {
    fold: 'sample',
    gives: {
      en: 'the value that this share of its values does not exceed, by rank within a few percent',
      zh: '这一比例的值都不超过的数（分位数，按名次误差百分之几）',
    },
    read: (content, from, { q }) => readQuantile(content, from, q),
  },
} as const satisfies Readonly<Record<string, Aggregation>>;

/** `share` is the one that asks for a condition in place of a metric; it is the mean of its being true. */
export type Aggregate = keyof typeof aggregations;

export const aggregates = Object.keys(aggregations) as readonly Aggregate[];

/** Answers the question from the buckets from `from` on; NaN where it is unknown. */
export function readAggregate(
  aggregate: Aggregate,
  content: MemoryContent,
  from: number,
  question: Question,
): number {
  if (from >= content.length) return aggregate === 'count' ? 0 : NaN;
  const aggregation: Aggregation = aggregations[aggregate];
  return aggregation.read(content, from, question);
}

/** The nearest rank, each kept value standing for as many as its bucket had for each that it kept. */
function readQuantile(content: MemoryContent, from: number, q: number): number {
  const values: { readonly value: number; readonly weight: number }[] = [];
  let count = 0;
  for (let i = from; i < content.length; i += strides.sample) {
    const kept = get(content, i + sample.kept);
    const weight = get(content, i + 1) / kept;
    count += get(content, i + 1);
    for (let j = 0; j < kept; j++) values.push({ value: get(content, i + sample.values + j), weight });
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
