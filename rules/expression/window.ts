import type { Metric } from '../../devices/metric.js';
import { aggregations, readAggregate } from './aggregate.js';
import type { Aggregate } from './aggregate.js';
import { folds } from './fold.js';
import type { Fold, FoldName } from './fold.js';
import type { MemoryContent } from './memory-content.js';
import type { Memory } from './memory.js';
import type { Sight } from './sight.js';

/** `sliding`: the time up to now. `tumbling`: the last whole stretch of the clock, such as the last full hour. */
export type WindowKind = 'sliding' | 'tumbling';

/**
 * A window in event time over the values of a metric, or over whether a condition was true. Several questions share
 * one, such as mean and count of the same metric and time.
 */
export interface Window extends Memory {
  readonly kind: WindowKind;
  readonly fold: FoldName;
  readonly lengthMs: number;
}

/** What is looked back on, and what a reading or an event adds to it; NaN where it adds nothing. */
interface WindowParts {
  readonly of: string;
  readonly metrics: readonly string[];
  readonly onEvents?: boolean;
  readonly value: (sight: Sight) => number;
  readonly fold: FoldName;
  readonly lengthMs: number;
  readonly kind: WindowKind;
}

function createWindow(parts: WindowParts): Window {
  const { of, fold, lengthMs, kind, metrics, value, onEvents = false } = parts;
  const window: Window = {
    key: `${kind === 'sliding' ? '' : 'tumbling/'}${fold}/${of}/${lengthMs}`,
    kind,
    fold,
    lengthMs,
    metrics,
    onEvents,
    lookBackMs: kind === 'sliding' ? lengthMs : 2 * lengthMs,
    take: (content, sight) => {
      const added = value(sight);
      if (Number.isNaN(added)) return;
      if (kind === 'sliding') addToWindow(window, content, sight.at, added);
      else addToStretch(window, content, sight.at, sight.calendar.offsetMs(sight.at), added);
    },
    pack: (content) => packWindow(window, content),
    unpack: (packed) => unpackWindow(window, packed),
  };
  return window;
}

/** A window is kept in at most about this many buckets, so its memory and work don't grow with the readings. */
const bucketsPerWindow = 20;

/** @param metric its words, where it has words, are counted by their places in the list of them */
export function createMetricWindow(
  aggregate: Aggregate,
  name: string,
  metric: Metric,
  lengthMs: number,
  kind: WindowKind = 'sliding',
): Window {
  const { fold } = aggregations[aggregate];
  return createWindow({ of: name, metrics: [name], value: valueOf(name, metric), fold, lengthMs, kind });
}

/** The metric's value in a reading as a number; NaN where it has none. */
export function valueOf(name: string, metric: Metric): (sight: Sight) => number {
  if (metric.kind === 'number')
    return ({ metrics }) => {
      const own = metrics[name];
      return typeof own === 'number' ? own : NaN;
    };
  return ({ metrics }) => {
    const own = metrics[name];
    return typeof own === 'string' ? metric.words.indexOf(own) : NaN;
  };
}

/** What `share(condition, "1h")` looks back on. @param text the condition as written, which names the window */
export function createTruthWindow(
  text: string,
  metrics: readonly string[],
  test: (sight: Sight) => boolean | undefined,
  lengthMs: number,
  kind: WindowKind = 'sliding',
): Window {
  const value = (sight: Sight) => {
    const holds = test(sight);
    return holds === undefined ? NaN : holds ? 1 : 0;
  };
  return createWindow({ of: `(${text})`, metrics, value, fold: 'sum', lengthMs, kind });
}

/** What `events("radar", "24h")` looks back on. */
export function createEventWindow(type: string, lengthMs: number): Window {
  const value = ({ event }: Sight) => (event === type ? 1 : NaN);
  const of = `event ${type}`;
  return createWindow({ of, metrics: [], onEvents: true, value, fold: 'sum', lengthMs, kind: 'sliding' });
}

/**
 * Takes a value into its place, also one older than the newest, and forgets what has left the window. A bucket
 * leaves as a whole, with its newest value: the window is exact as long as readings are at least a twentieth
 * of it apart, and at most a twentieth too long otherwise.
 */
export function addToWindow(window: Window, content: MemoryContent, at: number, value: number): void {
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
  } else {
    insert(content, i + fields - forgetStale(content, fields, startsAfter), fold, at, value);
  }
}

/** Buckets that have left the window go only together with some others: moving the rest down is the dear part. */
const leastStale = 5;

/** @returns how many numbers less the content has */
function forgetStale(content: MemoryContent, fields: number, startsAfter: number): number {
  let stale = 0;
  while (stale < content.length && (content[stale] as number) <= startsAfter) stale += fields;
  if (stale < leastStale * fields) return 0;
  const left = content.length - stale;
  for (let i = 0; i < left; i++) content[i] = content[i + stale] as number;
  content.length = left;
  return stale;
}

/** A new bucket at `i`. */
function insert(content: MemoryContent, i: number, fold: Fold, at: number, value: number): void {
  if (i < content.length) content.splice(i, 0, ...Array.from({ length: fold.fields }, () => 0));
  fold.put(content, i, at, value);
}

/** Takes a value into the stretch of the clock that it belongs to; the newest two are kept. */
function addToStretch(
  window: Window,
  content: MemoryContent,
  at: number,
  offsetMs: number,
  value: number,
): void {
  const fold: Fold = folds[window.fold];
  const { fields } = fold;
  const stretch = stretchOf(window, at, offsetMs);
  let i = content.length - fields;
  while (i >= 0 && stretchOf(window, content[i] as number, offsetMs) > stretch) i -= fields;
  if (i >= 0 && stretchOf(window, content[i] as number, offsetMs) === stretch) {
    fold.add(content, i, at, value);
    content[i] = Math.max(content[i] as number, at);
    content[i + 1] = (content[i + 1] as number) + 1;
    return;
  }
  insert(content, i + fields, fold, at, value);
  if (content.length > 2 * fields) content.splice(0, content.length - 2 * fields);
}

/** The number of the stretch of the clock that a time is in. */
function stretchOf({ lengthMs }: Window, at: number, offsetMs: number): number {
  return Math.floor((at + offsetMs) / lengthMs);
}

/**
 * Compiles a question to the window: what it gives at the sight's time; NaN when that is unknown.
 * @param q the share that a quantile asks for
 */
export function readWindow(
  window: Window,
  aggregate: Aggregate,
  contentOf: (sight: Sight) => MemoryContent,
  q = NaN,
): (sight: Sight) => number {
  const { fields } = folds[window.fold];
  const { lengthMs } = window;
  // One object for all times that it is asked: this is done for every reading.
  const question = { lengthMs, q, at: 0 };
  if (window.kind === 'sliding')
    return (sight) => {
      const content = contentOf(sight);
      question.at = sight.at;
      const startsAfter = sight.at - lengthMs;
      let from = 0;
      while (from < content.length && (content[from] as number) <= startsAfter) from += fields;
      return readAggregate(aggregate, content, from, question);
    };
  return (sight) => {
    const content = contentOf(sight);
    const offsetMs = sight.calendar.offsetMs(sight.at);
    const wanted = stretchOf(window, sight.at, offsetMs) - 1;
    for (let i = 0; i < content.length; i += fields) {
      question.at = content[i] as number;
      if (stretchOf(window, question.at, offsetMs) === wanted)
        return readAggregate(aggregate, content.slice(i, i + fields), 0, question);
    }
    return NaN;
  };
}

/** The content for a checkpoint: times as differences, which are short and quick to write. */
export function packWindow(window: Window, content: MemoryContent): number[] {
  const { fields } = folds[window.fold];
  const packed = content.slice();
  for (let i = packed.length - fields; i > 0; i -= fields) {
    packed[i] = (packed[i] as number) - (packed[i - fields] as number);
  }
  return packed;
}

/** The inverse of `packWindow`. */
export function unpackWindow(window: Window, packed: readonly number[]): MemoryContent {
  const { fields } = folds[window.fold];
  const content = packed.slice();
  for (let i = fields; i < content.length; i += fields) {
    content[i] = (content[i] as number) + (content[i - fields] as number);
  }
  return content;
}
