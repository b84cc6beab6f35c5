import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { OutboxEntry } from '../rules/alarm.js';
import { readShardCount } from '../runtime/redis-shard-count.js';

interface OutboxParts {
  /** A connection of the relay's own: reading blocks it. */
  readonly reading: Redis;
  readonly redis: Redis;
  /** Returns when the entries are safe elsewhere; called in the order of each outbox. */
  readonly handOver: (entries: readonly OutboxEntry[]) => Promise<void>;
  readonly log: Logger;
}

interface Batch {
  readonly key: string;
  /** Of the entries that could be read. */
  readonly ids: readonly string[];
  /** Of the last entry, readable or not. */
  readonly last: string;
  readonly entries: readonly OutboxEntry[];
}

const batchEntries = 200;
const blockMs = 1000;
const retryMs = 1000;

/**
 * Hands on what stands in the outboxes of all shards and takes it out after that: at least once, so the
 * receiver has to know what it has already. An entry that is no JSON stays where it is and is logged.
 */
export class OutboxRelay {
  readonly #parts: OutboxParts;
  /** Last entry seen of each outbox by this process; a new process begins with what is left. */
  readonly #cursors = new Map<string, string>();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #lastFailure = '';

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Returns when nothing is being handed on any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // Ends a blocked read at once, also one that waits for a Redis that is away.
    this.#parts.reading.disconnect();
    await this.#running;
  }

  /** How many entries stand in the outboxes. */
  async length(): Promise<number> {
    const keys = await this.#outboxes();
    const lengths = await Promise.all(keys.map((key) => this.#parts.redis.xlen(key)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        for (const batch of await this.#read()) await this.#handOn(batch);
        this.#lastFailure = '';
      } catch (error) {
        await this.#onFailure(messageOf(error));
      }
    }
  }

  async #onFailure(failure: string): Promise<void> {
    // Stopping cuts the connection, so a failure is what ends the last read.
    if (this.#stopping) return;
    if (failure !== this.#lastFailure) this.#parts.log.warn(`outbox: ${failure}; trying again`);
    this.#lastFailure = failure;
    await sleep(retryMs);
  }

  async #read(): Promise<Batch[]> {
    const keys = await this.#outboxes();
    if (keys.length === 0) {
      await sleep(blockMs / 2);
      return [];
    }
    const from = keys.map((key) => this.#cursors.get(key) ?? '0');
    const found = await this.#parts.reading.xread(
      'COUNT',
      batchEntries,
      'BLOCK',
      blockMs,
      'STREAMS',
      ...keys,
      ...from,
    );
    return (found ?? []).map(([key, records]) => this.#decode(key, records));
  }

  #decode(key: string, records: readonly [string, string[]][]): Batch {
    const ids: string[] = [];
    const entries: OutboxEntry[] = [];
    for (const [id, fields] of records) {
      const json = fields[fields.indexOf('t') + 1] ?? '';
      try {
        entries.push(JSON.parse(json) as OutboxEntry);
        ids.push(id);
      } catch (error) {
        this.#parts.log.error(
          { key, id, entry: json.slice(0, 500) },
          `outbox entry left aside: ${messageOf(error)}`,
        );
      }
    }
    return { key, ids, entries, last: records.at(-1)?.[0] ?? '0' };
  }

  async #handOn({ key, ids, entries, last }: Batch): Promise<void> {
    if (ids.length > 0) {
      await this.#parts.handOver(entries);
      await this.#parts.redis.xdel(key, ...ids);
    }
    this.#cursors.set(key, last);
  }

  async #outboxes(): Promise<string[]> {
    const shards = await readShardCount(this.#parts.redis);
    return Array.from({ length: shards }, (_, shard) => redisKeys.outbox(shard));
  }
}
