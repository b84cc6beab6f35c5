/** What a window can be asked for. */
export const aggregates = ['mean', 'min', 'max'] as const;
export type Aggregate = (typeof aggregates)[number];

/** A sliding window over one metric in event time: what `mean(co2_ppm, "5m")` looks back on. */
export interface Window {
  /** The window's name in the state of a device: aggregate, metric and length in ms. */
  readonly key: string;
  readonly aggregate: Aggregate;
  readonly metric: string;
  readonly lengthMs: number;
}

/**
 * The content of one window, oldest first, three numbers a bucket: time of its newest value, count of values,
 * and their sum (mean), the least (min) or the greatest (max). Flat so that it is small in memory and as JSON.
 */
export type WindowContent = number[];

const fields = 3;

/** A window is kept in at most about this many buckets, so its memory and work don't grow with the readings. */
const bucketsPerWindow = 20;

export function createWindow(aggregate: Aggregate, metric: string, lengthMs: number): Window {
  return { key: `${aggregate}/${metric}/${lengthMs}`, aggregate, metric, lengthMs };
}

/**
 * Takes a value into its place, also one older than the newest, and forgets what has left the window. A bucket
 * leaves as a whole, with its newest value: the window is exact as long as readings are at least a twentieth
 * of it apart, and at most a twentieth too long otherwise.
 */
export function addToWindow(window: Window, content: WindowContent, at: number, value: number): void {
  const newestAt = content.length === 0 ? at : Math.max(at, content[content.length - fields] as number);
  const startsAfter = newestAt - window.lengthMs;
  if (at <= startsAfter) return;

  const bucketMs = window.lengthMs / bucketsPerWindow;
  const bucket = Math.floor(at / bucketMs);
  let i = content.length - fields;
  while (i >= 0 && Math.floor((content[i] as number) / bucketMs) > bucket) i -= fields;
  if (i >= 0 && Math.floor((content[i] as number) / bucketMs) === bucket) {
    content[i] = Math.max(content[i] as number, at);
    content[i + 1] = (content[i + 1] as number) + 1;
    content[i + 2] = combine(window.aggregate, content[i + 2] as number, value);
  } else if (i === content.length - fields) {
    append(content, startsAfter, at, value);
  } else {
    content.splice(i + fields, 0, at, 1, value);
  }
}

/** The window's mean, least or greatest value as it is at `at`; NaN when it holds no value. */
export function readWindow(window: Window, content: WindowContent, at: number): number {
  const startsAfter = at - window.lengthMs;
  let i = 0;
  while (i < content.length && (content[i] as number) <= startsAfter) i += fields;
  if (i >= content.length) return NaN;
  let count = content[i + 1] as number;
  let result = content[i + 2] as number;
  for (i += fields; i < content.length; i += fields) {
    count += content[i + 1] as number;
    result = combine(window.aggregate, result, content[i + 2] as number);
  }
  return window.aggregate === 'mean' ? result / count : result;
}

/** The content for a checkpoint: times as differences, which are short and quick to write. */
export function packWindow(content: WindowContent): number[] {
  const packed = content.slice();
  for (let i = packed.length - fields; i > 0; i -= fields) {
    packed[i] = (packed[i] as number) - (packed[i - fields] as number);
  }
  return packed;
}

/** The inverse of `packWindow`. */
export function unpackWindow(packed: readonly number[]): WindowContent {
  const content = packed.slice();
  for (let i = fields; i < content.length; i += fields) {
    content[i] = (content[i] as number) + (content[i - fields] as number);
  }
  return content;
}

function combine(aggregate: Aggregate, a: number, b: number): number {
  if (aggregate === 'mean') return a + b;
  return aggregate === 'min' ? Math.min(a, b) : Math.max(a, b);
}

/** Adds a bucket at the end in place of those that have left the window. */
function append(content: WindowContent, startsAfter: number, at: number, value: number): void {
  let stale = 0;
  while (stale < content.length && (content[stale] as number) <= startsAfter) stale += fields;
  if (stale === 0) {
    content.push(at, 1, value);
    return;
  }
  for (let i = stale; i < content.length; i++) content[i - stale] = content[i] as number;
  const end = content.length - stale;
  content[end] = at;
  content[end + 1] = 1;
  content[end + 2] = value;
  // In a steady stream one bucket leaves as one comes; changing an array's length is slow.
  if (stale > fields) content.length = end + fields;
}
