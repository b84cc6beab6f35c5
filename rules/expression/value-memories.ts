import type { Metric } from '../../devices/metric.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';
import { asWritten } from './memory.js';

/** Where the numbers of a `last` memory are: whether there is one, the newest value with its time, the one before. */
export const last = { known: 0, at: 1, value: 2, before: 3 } as const;

/** Remembers the newest value of a metric and the one before it. */
export function createLast(name: string, metric: Metric): Memory {
  return {
    key: `newest/${name}`,
    metrics: [name],
    onEvents: false,
    lookBackMs: 0,
    ...(metric.kind === 'word' ? { words: metric.words } : {}),
    ...asWritten(4),
    take: (cells, start, _size, newest, { at }) => {
      const isKnown = cells[start] === 1;
      if (Number.isNaN(newest) || (isKnown && at <= (cells[start + last.at] as number))) return true;
      cells[start + last.before] = isKnown ? (cells[start + last.value] as number) : NaN;
      cells[start] = 1;
      cells[start + last.at] = at;
      cells[start + last.value] = newest;
      return true;
    },
  };
}

/** Where the numbers of a `drift` memory are. */
export const drift = {
  count: 0,
  at: 1,
  mean: 2,
  variance: 3,
  recent: 4,
  above: 5,
  below: 6,
  weight: 7,
} as const;

/** How much slower than the recent mean the one is that it is compared with. */
const slower = 12;
/** Half of the shift, in standard deviations, that CUSUM is to find soonest (its k). */
const slack = 0.5;
/** No single value moves what is usual by more than this many standard deviations. */
const mostUsual = 3;
/** Spread below this share of the mean is taken for this: values that hardly differ would make anything unusual. */
const leastSpread = 1 / 200;

/**
 * Remembers what is usual for a metric of late (exponentially weighted mean and variance over about twelve times the
 * given time), the mean of about that time, and the sums of CUSUM (Page 1954) on either side of what is usual.
 */
export function createDrift(name: string, lengthMs: number): Memory {
  return {
    key: `drifting/${name}/${lengthMs}`,
    metrics: [name],
    onEvents: false,
    lookBackMs: slower * lengthMs,
    ...asWritten(8),
    take: (cells, start, _size, x, { at }) => {
      if (Number.isNaN(x)) return true;
      const known = cells.subarray(start, start + 8);
      if (known[drift.count] === 0) known.set([1, at, x, 0, x, 0, 0, 1]);
      else if (at > (known[drift.at] as number)) moveDrift(known, at, x, lengthMs);
      return true;
    },
  };
}

function moveDrift(known: Cells, at: number, x: number, lengthMs: number): void {
  const elapsed = at - (known[drift.at] as number);
  const count = (known[drift.count] as number) + 1;
  const mean = known[drift.mean] as number;
  const variance = known[drift.variance] as number;
  const sd = spreadOf(known);
  const away = (x - mean) / sd;
  // At first a plain mean, so that the first values don't weigh for ever.
  const slow = Math.max(1 - Math.exp(-elapsed / (slower * lengthMs)), 1 / count);
  const usual = count < fewestForDrift ? away : Math.max(-mostUsual, Math.min(mostUsual, away));
  const moved = usual * sd;
  known[drift.at] = at;
  known[drift.count] = count;
  known[drift.mean] = mean + slow * moved;
  known[drift.variance] = (1 - slow) * (variance + slow * moved * moved);
  const fast = Math.max(1 - Math.exp(-elapsed / lengthMs), 1 / count);
  const recent = known[drift.recent] as number;
  known[drift.recent] = recent + fast * (x - recent);
  known[drift.weight] = fast;
  if (count <= fewestForDrift) return;
  known[drift.above] = Math.max(0, (known[drift.above] as number) + usual - slack);
  known[drift.below] = Math.max(0, (known[drift.below] as number) - usual - slack);
}

/** Fewer values than this, and nobody can tell what is usual. */
export const fewestForDrift = 30;

/** The standard deviation that is usual for the recent mean (Roberts 1959), which is less than that of single values. */
export function recentSpreadOf(known: Cells): number {
  const weight = known[drift.weight] as number;
  return spreadOf(known) * Math.sqrt(weight / (2 - weight));
}

/** The standard deviation that is usual. */
export function spreadOf(known: Cells): number {
  const mean = known[drift.mean] as number;
  return Math.max(Math.sqrt(known[drift.variance] as number), Math.abs(mean) * leastSpread, 1e-9);
}
