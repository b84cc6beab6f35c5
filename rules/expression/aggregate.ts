import { course, growth, sample } from './fold.js';
import type { FoldName, WindowContent } from './fold.js';

/** What a window can be asked for: how its buckets are kept, and how the answer is read from those in it. */
interface Aggregation {
  readonly fold: FoldName;
  /** One sentence for the reference: what it gives, in which unit. */
  readonly gives: string;
  /** NaN where it is unknown. `content` has at least one bucket from `from` on. */
  read(content: WindowContent, from: number, question: Question): number;
}

/** What else the answer depends on. */
interface Question {
  readonly lengthMs: number;
  /** Of a quantile: 0 to 1. */
  readonly q: number;
}

const get = (content: WindowContent, i: number): number => content[i] as number;
const msPerHour = 3_600_000;

function total(content: WindowContent, from: number, step: number, field: number): number {
  let sum = 0;
  for (let i = from; i < content.length; i += step) sum += get(content, i + field);
  return sum;
}

/** Sums something over the buckets, and over the steps from each to the next. */
function alongCourse(
  content: WindowContent,
  from: number,
  field: number,
  between: (last: number, first: number) => number,
): number {
  let sum = get(content, from + field);
  for (let i = from + 8; i < content.length; i += 8) {
    sum +=
      get(content, i + field) + between(get(content, i - 8 + course.last), get(content, i + course.first));
  }
  return sum;
}

export const aggregations = {
  mean: {
    fold: 'sum',
    gives: 'the mean of its values',
    read: (content, from) => total(content, from, 3, 2) / total(content, from, 3, 1),
  },
  count: {
    fold: 'sum',
    gives: 'how many values there were; 0 where there was none',
    read: (content, from) => total(content, from, 3, 1),
  },
  min: {
    fold: 'min',
    gives: 'the least of its values',
    read: (content, from) => {
      let least = get(content, from + 2);
      for (let i = from + 3; i < content.length; i += 3) least = Math.min(least, get(content, i + 2));
      return least;
    },
  },
  max: {
    fold: 'max',
    gives: 'the greatest of its values',
    read: (content, from) => {
      let greatest = get(content, from + 2);
      for (let i = from + 3; i < content.length; i += 3) greatest = Math.max(greatest, get(content, i + 2));
      return greatest;
    },
  },
  stddev: {
    fold: 'moments',
    gives: 'the standard deviation of its values',
    read: (content, from) => {
      let count = 0;
      let mean = 0;
      let squares = 0;
      for (let i = from; i < content.length; i += 4) {
        const more = get(content, i + 1);
        const apart = get(content, i + 2) - mean;
        const all = count + more;
        squares += get(content, i + 3) + (apart * apart * count * more) / all;
        mean += (apart * more) / all;
        count = all;
      }
      return Math.sqrt(squares / count);
    },
  },
  change: {
    fold: 'course',
    gives: 'its last value less its first',
    read: (content, from) => {
      const last = content.length - 8;
      if (get(content, last) === get(content, from + course.firstAt)) return NaN;
      return get(content, last + course.last) - get(content, from + course.first);
    },
  },
  rate: {
    fold: 'course',
    gives: 'its change an hour; unknown until the values span half of the time',
    read: (content, from, { lengthMs }) => {
      const last = content.length - 8;
      const spanMs = get(content, last) - get(content, from + course.firstAt);
      if (spanMs * 2 < lengthMs || spanMs === 0) return NaN;
      return ((get(content, last + course.last) - get(content, from + course.first)) * msPerHour) / spanMs;
    },
  },
  changes: {
    fold: 'course',
    gives: 'how often it changed from one value to the next',
    read: (content, from) =>
      alongCourse(content, from, course.changes, (last, first) => (last === first ? 0 : 1)),
  },
  increase: {
    fold: 'course',
    gives: 'by how much a counter grew, also where it started anew from zero',
    read: (content, from) => alongCourse(content, from, course.increase, growth),
  },
  resets: {
    fold: 'course',
    gives: 'how often a counter started anew',
    read: (content, from) =>
      alongCourse(content, from, course.resets, (last, first) => (first < last ? 1 : 0)),
  },
  quantile: {
    fold: 'sample',
    gives: 'the value that this share of its values does not exceed, by rank within a few percent',
    read: (content, from, { q }) => readQuantile(content, from, q),
  },
} as const satisfies Readonly<Record<string, Aggregation>>;

/** `share` is the one that asks for a condition in place of a metric; it is the mean of its being true. */
export type Aggregate = keyof typeof aggregations;

export const aggregates = Object.keys(aggregations) as readonly Aggregate[];

export function isAggregate(name: string): name is Aggregate {
  return Object.hasOwn(aggregations, name);
}

/** Answers the question from the buckets from `from` on; NaN where it is unknown. */
export function readAggregate(
  aggregate: Aggregate,
  content: WindowContent,
  from: number,
  question: Question,
): number {
  if (from >= content.length) return aggregate === 'count' ? 0 : NaN;
  const aggregation: Aggregation = aggregations[aggregate];
  return aggregation.read(content, from, question);
}

/** The nearest rank, each kept value standing for as many as its bucket had for each that it kept. */
function readQuantile(content: WindowContent, from: number, q: number): number {
  const values: { readonly value: number; readonly weight: number }[] = [];
  let count = 0;
  for (let i = from; i < content.length; i += 20) {
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
