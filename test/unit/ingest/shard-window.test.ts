import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { compareIds } from '../../../ingest/log/log.js';
import type { LogEntry, LogReader } from '../../../ingest/log/log.js';
import { ShardWindow } from '../../../ingest/shard-window.js';
import type { WindowReader } from '../../../ingest/shard-window.js';
import { seededRandom } from '../../../simulators/city/seeded-random.js';

/** A log of `count` entries, `1-0` to `count-0`, that answers when it likes. */
class SlowLog implements LogReader {
  reads = 0;
  readonly #entries: LogEntry[];
  readonly #delayMs: () => number;

  constructor(count: number, delayMs: () => number) {
    this.#entries = Array.from({ length: count }, (_, i) => ({
      id: `${i + 1}-0`,
      records: [{ kind: 'tick', arrivedAt: i + 1 }],
      bytes: 40_000,
    }));
    this.#delayMs = delayMs;
  }

  async readAfter(_shard: number, cursor: string, limit: number): Promise<LogEntry[]> {
    this.reads++;
    await sleep(this.#delayMs());
    return this.#entries.filter(({ id }) => compareIds(id, cursor) > 0).slice(0, limit);
  }

  count = () => Promise.resolve(this.#entries.length);
  trimThrough = () => Promise.resolve();
}

const never = new AbortController().signal;

async function follow(window: WindowReader, cursor: string, last: string, pauseMs: () => number) {
  const seen: number[] = [];
  for (let at = cursor; at !== last;) {
    for (const { id } of await window.after(at, 1000, never)) {
      seen.push(parseInt(id));
      at = id;
    }
    await sleep(pauseMs());
  }
  return seen;
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('two readers that begin at different cursors both see every entry, whoever asks first', async () => {
  const random = seededRandom(7);
  for (const starts of [
    [0, 150],
    [150, 0],
    [20, 25],
    [199, 1],
    [90, 90],
  ]) {
    const window = new ShardWindow(new SlowLog(200, () => 2 * random()), 0, (record) => [
      record as { kind: 'tick'; arrivedAt: number },
    ]);
    const seen = await Promise.all(
      starts
        .map((start) => [start, window.join()] as const)
        .map(([start, reader]) => follow(reader, `${start}-0`, '200-0', () => 3 * random())),
    );
    expect(seen).toEqual(starts.map((start) => from(start + 1, 200)));
  }
});

test('readers that are close together read the log once, also when one began behind', async () => {
  const log = new SlowLog(600, () => 1);
  const window = new ShardWindow(log, 0, (record) => [record as { kind: 'tick'; arrivedAt: number }]);
  await Promise.all(
    ['0-0', '10-0']
      .map((start) => [start, window.join()] as const)
      .map(([start, reader]) => follow(reader, start, '600-0', () => 1)),
  );
  const shared = log.reads;
  log.reads = 0;
  await follow(
    new ShardWindow(log, 0, (record) => [record as { kind: 'tick'; arrivedAt: number }]).join(),
    '0-0',
    '600-0',
    () => 1,
  );
  expect(shared).toBeLessThan(1.5 * log.reads);
});

test('what all have passed is let go, and what one has not is still there for it', async () => {
  const log = new SlowLog(30, () => 0);
  const window = new ShardWindow(log, 0, (record) => [record as { kind: 'tick'; arrivedAt: number }]);
  const [fast, slow] = [window.join(), window.join()];
  const first = await fast.after('0-0', 1000, never);
  const last = first.at(-1)?.id ?? '';
  fast.pass(last);
  const reads = log.reads;
  expect((await slow.after('0-0', 1000, never)).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  expect(log.reads).toBe(reads);
  // Both are past it: who asks for it again is served by the log.
  slow.pass(last);
  await window.join().after('0-0', 1000, never);
  expect(log.reads).toBe(reads + 1);
});
