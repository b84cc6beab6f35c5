import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { encodeFrame } from './frame.js';
import type { LogRecord } from './frame.js';
import type { LogWriter } from './log.js';

/**
 * KEYS[1] log stream, KEYS[2] appended counter; ARGV[1] frame, ARGV[2] device messages in it.
 * Returns the entry's id. Atomic: the counter never disagrees with the stream.
 */
const appendScript = `
redis.call('INCRBY', KEYS[2], ARGV[2])
return redis.call('XADD', KEYS[1], '*', 'f', ARGV[1])`;

interface Waiting {
  readonly shard: number;
  readonly record: LogRecord;
  readonly done: (error?: Error) => void;
}

/** Rounds are started no closer than this, so that under load many messages share one fsync. */
const spacingMs = 2;
const roundBytes = 8 * 1024 * 1024;

/**
 * Group commit: whatever came while the last round was on its way to disk goes as the next one, one entry a
 * shard, in one pipelined write. One round at a time, answered in order of arrival, so the order of PUBACKs
 * is the order of PUBLISHes [MQTT-4.6.0-2]. The Redis must fsync before it replies (`appendfsync always`).
 */
export class RedisLogWriter implements LogWriter {
  readonly #redis: Redis;
  readonly #onRound: (records: number, ms: number) => void;
  #waiting: Waiting[] = [];
  #inRound = false;
  #scheduled = false;
  #lastStart = 0;
  #idle: (() => void)[] = [];

  /**
   * @param redis a connection of its own with a `commandTimeout`: a round not answered by then has failed
   * @param onRound told the size and duration of every durable round
   */
  constructor(redis: Redis, onRound: (records: number, ms: number) => void = () => undefined) {
    this.#redis = redis;
    this.#onRound = onRound;
  }

  append(shard: number, record: LogRecord, done: (error?: Error) => void): void {
    this.#waiting.push({ shard, record, done });
    this.#schedule();
  }

  drain(): Promise<void> {
    if (!this.#inRound && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#inRound || this.#scheduled) return;
    this.#scheduled = true;
    const sinceLast = performance.now() - this.#lastStart;
    const start = () => {
      this.#scheduled = false;
      void this.#round();
    };
    if (sinceLast >= spacingMs) setImmediate(start);
    else setTimeout(start, spacingMs - sinceLast);
  }

  async #round(): Promise<void> {
    const taken = this.#take();
    if (taken.length === 0) return;
    this.#inRound = true;
    this.#lastStart = performance.now();
    const failure = await this.#write(taken).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    this.#inRound = false;
    if (failure === undefined) {
      this.#onRound(taken.length, performance.now() - this.#lastStart);
      for (const { done } of taken) done();
    } else {
      // What waited behind a failed round has waited as long: fail it too instead of one time-out later.
      for (const { done } of [...taken, ...this.#waiting.splice(0)]) done(failure);
    }
    if (this.#waiting.length > 0) this.#schedule();
    else for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      bytes += record.kind === 'message' ? record.payload.length + 200 : 64;
      if (count > 0 && bytes > roundBytes) break;
      count++;
    }
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  async #write(taken: readonly Waiting[]): Promise<void> {
    const shards = new Map<number, LogRecord[]>();
    for (const { shard, record } of taken) {
      const records = shards.get(shard);
      if (records === undefined) shards.set(shard, [record]);
      else records.push(record);
    }
    const commands: Promise<unknown>[] = [];
    for (const [shard, records] of shards) {
      const messages = records.reduce((n, record) => n + (record.kind === 'message' ? 1 : 0), 0);
      commands.push(
        this.#redis.eval(appendScript, 2, redisKeys.log(shard), redisKeys.appended(shard), encodeFrame(records), messages),
      );
    }
    // All of a round must be settled before the next starts, or order would be lost.
    const results = await Promise.allSettled(commands);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
