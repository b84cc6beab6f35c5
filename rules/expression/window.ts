import type { Metric } from '../../devices/metric.js';
import { aggregations, readAggregate } from './aggregate.js';
import type { Aggregate } from './aggregate.js';
import { folds } from './fold.js';
import type { Fold, FoldName, WindowContent } from './fold.js';
import type { Sight } from './sight.js';

/**
 * A sliding window in event time over the values of a metric, or over whether a condition was true. Several
 * questions share one, such as mean and count of the same metric and time.
 */
export interface Window {
  /** The window's name in the state of a device: fold, what it is over, and length in ms. */
  readonly key: string;
  readonly fold: FoldName;
  readonly lengthMs: number;
  /** What it is over: a reading without any of these has nothing to do with it. */
  readonly metrics: readonly string[];
  /** The value that a reading adds; NaN where it adds none. */
  readonly value: (sight: Sight) => number;
}

/** A window is kept in at most about this many buckets, so its memory and work don't grow with the readings. */
const bucketsPerWindow = 20;

/** @param metric its words, where it has words, are counted by their places in the list of them */
export function createMetricWindow(
  aggregate: Aggregate,
  name: string,
  metric: Metric,
  lengthMs: number,
): Window {
  const { fold } = aggregations[aggregate];
  const value =
    metric.kind === 'number'
      ? ({ metrics }: Sight) => {
          const own = metrics[name];
          return typeof own === 'number' ? own : NaN;
        }
      : ({ metrics }: Sight) => {
          const own = metrics[name];
          return typeof own === 'string' ? metric.words.indexOf(own) : NaN;
        };
  return { key: `${fold}/${name}/${lengthMs}`, fold, lengthMs, metrics: [name], value };
}

/** What `share(condition, "1h")` looks back on. @param text the condition as written, which names the window */
export function createTruthWindow(
  text: string,
  metrics: readonly string[],
  test: (sight: Sight) => boolean | undefined,
  lengthMs: number,
): Window {
  const value = (sight: Sight) => {
    const holds = test(sight);
    return holds === undefined ? NaN : holds ? 1 : 0;
  };
  return { key: `sum/(${text})/${lengthMs}`, fold: 'sum', lengthMs, metrics, value };
}

/**
 * Takes a value into its place, also one older than the newest, and forgets what has left the window. A bucket
 * leaves as a whole, with its newest value: the window is exact as long as readings are at least a twentieth
 * of it apart, and at most a twentieth too long otherwise.
 */
export function addToWindow(window: Window, content: WindowContent, at: number, value: number): void {
  const fold: Fold = folds[window.fold];
  const { fields } = fold;
  const newestAt = content.length === 0 ? at : Math.max(at, content[content.length - fields] as number);
  const startsAfter = newestAt - window.lengthMs;
  if (at <= startsAfter) return;

  const bucketMs = window.lengthMs / bucketsPerWindow;
  const bucket = Math.floor(at / bucketMs);
  let i = content.length - fields;
  while (i >= 0 && Math.floor((content[i] as number) / bucketMs) > bucket) i -= fields;
  if (i >= 0 && Math.floor((content[i] as number) / bucketMs) === bucket) {
    fold.add(content, i, at, value);
    content[i] = Math.max(content[i] as number, at);
    content[i + 1] = (content[i + 1] as number) + 1;
  } else if (i === content.length - fields) {
    append(content, startsAfter, fold.start(at, value));
  } else {
    content.splice(i + fields, 0, ...fold.start(at, value));
  }
}

/** What the window holds at `at`; NaN when that is unknown. `q` is the share that a quantile asks for. */
export function readWindow(
  window: Window,
  aggregate: Aggregate,
  content: WindowContent,
  at: number,
  q = NaN,
): number {
  const { fields } = folds[window.fold];
  const startsAfter = at - window.lengthMs;
  let from = 0;
  while (from < content.length && (content[from] as number) <= startsAfter) from += fields;
  return readAggregate(aggregate, content, from, { lengthMs: window.lengthMs, q });
}

/** The content for a checkpoint: times as differences, which are short and quick to write. */
export function packWindow(window: Window, content: WindowContent): number[] {
  const { fields } = folds[window.fold];
  const packed = content.slice();
  for (let i = packed.length - fields; i > 0; i -= fields) {
    packed[i] = (packed[i] as number) - (packed[i - fields] as number);
  }
  return packed;
}

/** The inverse of `packWindow`. */
export function unpackWindow(window: Window, packed: readonly number[]): WindowContent {
  const { fields } = folds[window.fold];
  const content = packed.slice();
  for (let i = fields; i < content.length; i += fields) {
    content[i] = (content[i] as number) + (content[i - fields] as number);
  }
  return content;
}

/** Adds a bucket at the end in place of those that have left the window. */
function append(content: WindowContent, startsAfter: number, bucket: readonly number[]): void {
  const fields = bucket.length;
  let stale = 0;
  while (stale < content.length && (content[stale] as number) <= startsAfter) stale += fields;
  if (stale === 0) {
    content.push(...bucket);
    return;
  }
  for (let i = stale; i < content.length; i++) content[i - stale] = content[i] as number;
  const end = content.length - stale;
  bucket.forEach((value, j) => (content[end + j] = value));
  // In a steady stream one bucket leaves as one comes; changing an array's length is slow.
  if (stale > fields) content.length = end + fields;
}
