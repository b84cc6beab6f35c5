import type { Metric } from '../../devices/metric.js';
import type { Memory } from './memory.js';
import { valueOf } from './window.js';

/** Where the numbers of a `last` memory are: the newest value with its time, and the one before. */
export const last = { at: 0, value: 1, before: 2 } as const;

/** Remembers the newest value of a metric and the one before it. */
export function createLast(name: string, metric: Metric): Memory {
  const value = valueOf(name, metric);
  return {
    key: `last/${name}`,
    metrics: [name],
    onEvents: false,
    lookBackMs: 0,
    take: (content, sight) => {
      const newest = value(sight);
      if (Number.isNaN(newest)) return;
      if (content.length === 0) content.push(sight.at, newest);
      else if (sight.at > (content[last.at] as number)) {
        content[last.before] = content[last.value] as number;
        content[last.at] = sight.at;
        content[last.value] = newest;
      }
    },
  };
}

/** Where the numbers of a `drift` memory are. */
export const drift = {
  at: 0,
  count: 1,
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
export function createDrift(name: string, metric: Metric, lengthMs: number): Memory {
  const value = valueOf(name, metric);
  return {
    key: `drift/${name}/${lengthMs}`,
    metrics: [name],
    onEvents: false,
    lookBackMs: slower * lengthMs,
    take: (content, sight) => {
      const x = value(sight);
      if (Number.isNaN(x)) return;
      if (content.length === 0) {
        content.push(sight.at, 1, x, 0, x, 0, 0, 1);
        return;
      }
      const elapsed = sight.at - (content[drift.at] as number);
      if (elapsed <= 0) return;
      const count = (content[drift.count] as number) + 1;
      const mean = content[drift.mean] as number;
      const variance = content[drift.variance] as number;
      const sd = spreadOf(content);
      const away = (x - mean) / sd;
      // At first a plain mean, so that the first values don't weigh for ever.
      const slow = Math.max(1 - Math.exp(-elapsed / (slower * lengthMs)), 1 / count);
      const usual = count < fewestForDrift ? away : Math.max(-mostUsual, Math.min(mostUsual, away));
      const moved = usual * sd;
      content[drift.at] = sight.at;
      content[drift.count] = count;
      content[drift.mean] = mean + slow * moved;
      content[drift.variance] = (1 - slow) * (variance + slow * moved * moved);
      const fast = Math.max(1 - Math.exp(-elapsed / lengthMs), 1 / count);
      const recent = content[drift.recent] as number;
      content[drift.recent] = recent + fast * (x - recent);
      content[drift.weight] = fast;
      if (count <= fewestForDrift) return;
      content[drift.above] = Math.max(0, (content[drift.above] as number) + usual - slack);
      content[drift.below] = Math.max(0, (content[drift.below] as number) - usual - slack);
    },
  };
}

/** Fewer values than this, and nobody can tell what is usual. */
export const fewestForDrift = 30;

/** The standard deviation that is usual for the recent mean (Roberts 1959), which is less than that of single values. */
export function recentSpreadOf(content: readonly number[]): number {
  const weight = content[drift.weight] as number;
  return spreadOf(content) * Math.sqrt(weight / (2 - weight));
}

/** The standard deviation that is usual. */
export function spreadOf(content: readonly number[]): number {
  const mean = content[drift.mean] as number;
  return Math.max(Math.sqrt(content[drift.variance] as number), Math.abs(mean) * leastSpread, 1e-9);
}
