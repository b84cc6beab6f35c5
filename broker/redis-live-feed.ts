import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFrame } from '../ingest/log/frame.js';
import type { LogRecord } from '../ingest/log/frame.js';
import { compareIds, entryTime, keptMs, logStart } from '../ingest/log/log.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { epochMs, redisNow } from '../runtime/redis-time.js';
import type { OutboundMessage } from './wire.js';

const pollMs = 50;
const retryMs = 500;
/** Entries read at once: an entry is a group commit and may hold hundreds of messages. */
const batch = 20;

/** A shard that somebody here listens to. */
interface Followed<Listener> {
  cursor: string;
  /** All that is older was read; wall time by Redis' clock, epoch ms. */
  readTo: number;
  readonly listeners: Map<Listener, ReadonlySet<string>>;
}

export interface LiveFeedParts<Listener> {
  /** A connection of its own: what is read may be much. */
  readonly redis: Redis;
  readonly log: Logger;
  readonly route: (message: OutboundMessage) => void;
  /** Something may have been let go of before it was read for this listener. */
  readonly onMissed: (listener: Listener) => void;
}

/**
 * What devices publish at any broker, for those who listen at this one: read from the reading log, so that it is
 * in the log's order and costs who publishes nothing. Reads only while somebody listens.
 */
export class LiveFeed<Listener> {
  readonly #parts: LiveFeedParts<Listener>;
  readonly #shards = new Map<number, Promise<Followed<Listener>>>();
  readonly #watching = new Map<Listener, Set<Set<string>>>();
  readonly #stop = new AbortController();
  #running = false;

  constructor(parts: LiveFeedParts<Listener>) {
    this.#parts = parts;
  }

  /**
   * Resolves when what is published from now on will be routed, if it is of these sites. @param sites by shard
   * @throws when Redis does not answer
   */
  async join(listener: Listener, sites: ReadonlyMap<number, ReadonlySet<string>>): Promise<void> {
    await Promise.all(
      [...sites].map(async ([shard, of]) => (await this.#followed(shard)).listeners.set(listener, of)),
    );
    if (!this.#running) void this.#run();
  }

  /** Of no effect for who has not joined. */
  async leave(listener: Listener): Promise<void> {
    for (const [shard, opening] of this.#shards) {
      const followed = await opening.catch(() => undefined);
      if (followed?.listeners.delete(listener) !== true || followed.listeners.size > 0) continue;
      if (this.#shards.get(shard) === opening) this.#shards.delete(shard);
    }
  }

  /** The topics that are routed from now on until `done`; what was kept of them is older. */
  watch(listener: Listener): { readonly topics: Set<string>; readonly done: () => void } {
    const topics = new Set<string>();
    const all = this.#watching.get(listener) ?? new Set();
    this.#watching.set(listener, all.add(topics));
    const done = () => {
      all.delete(topics);
      if (all.size === 0) this.#watching.delete(listener);
    };
    return { topics, done };
  }

  stop(): void {
    this.#stop.abort();
    this.#parts.redis.disconnect();
  }

  #followed(shard: number): Promise<Followed<Listener>> {
    let opening = this.#shards.get(shard);
    if (opening === undefined) {
      opening = this.#end(shard).then((end) => ({ ...end, listeners: new Map() }));
      this.#shards.set(shard, opening);
      opening.catch(() => this.#shards.delete(shard));
    }
    return opening;
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { signal } = this.#stop;
    while (this.#shards.size > 0 && !signal.aborted) {
      let waitMs = pollMs;
      try {
        for (const [shard, opening] of this.#shards) {
          if ((await this.#read(shard, await opening)) === batch) waitMs = 0;
        }
      } catch (error) {
        this.#parts.log.debug(`operators hear nothing: ${messageOf(error)}`);
        waitMs = retryMs;
      }
      // Also with nothing to wait for: the sockets come first.
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    }
    this.#running = false;
  }

  /** @returns the number of entries that there were */
  async #read(shard: number, followed: Followed<Listener>): Promise<number> {
    const { redis, log, onMissed } = this.#parts;
    // In one transaction, so that what is let go of is known as of the reading.
    const answers =
      (await redis
        .multi()
        .time()
        .hget(redisKeys.store(shard), '@cursor')
        .hget(redisKeys.judge(shard), '@cursor')
        .hget(redisKeys.twins(shard), '@cursor')
        .xrangeBuffer(redisKeys.log(shard), `(${followed.cursor}`, '+', 'COUNT', batch)
        .exec()) ?? [];
    const [time, store, judge, twins, entries] = answers.map(([error, answer]) => {
      if (error !== null) throw error;
      return answer;
    });
    const [trimmed = logStart] = [store, judge, twins]
      .map((id) => (id as string | null) ?? logStart)
      .sort(compareIds);
    const rows = entries as [id: Buffer, fields: Buffer[]][];
    const now = epochMs(time);
    if (compareIds(trimmed, followed.cursor) > 0 && now - followed.readTo >= keptMs) {
      log.warn(`shard ${shard} of the log was emptied before operators had heard it: they are closed`);
      for (const listener of followed.listeners.keys()) onMissed(listener);
    }
    for (const [id, [, frame]] of rows) {
      followed.cursor = id.toString('latin1');
      for (const record of decodeFrame(frame ?? Buffer.alloc(0))) this.#route(record, followed);
    }
    followed.readTo = rows.length < batch ? now : entryTime(followed.cursor);
    return rows.length;
  }

  #route(record: LogRecord, { listeners }: Followed<Listener>): void {
    if (record.kind !== 'message' || record.foreignTopic === true || record.unregistered === true) return;
    // What comes again, or was not published here, or not whole, is nothing that a device says now.
    if (record.replayed === true || record.origin !== undefined || record.cutFrom !== undefined) return;
    const { topic } = record;
    const [, , site = ''] = topic.split('/', 3);
    let heard = false;
    for (const [listener, sites] of listeners) {
      if (!sites.has(site)) continue;
      heard = true;
      for (const topics of this.#watching.get(listener) ?? []) topics.add(topic);
    }
    if (!heard) return;
    this.#parts.route({ topic, payload: record.payload, qos: record.qos0 === true ? 0 : 1, retain: false });
  }

  /** Where the shard's log ends now, also when it is empty. */
  async #end(shard: number): Promise<Pick<Followed<Listener>, 'cursor' | 'readTo'>> {
    const { redis } = this.#parts;
    const readTo = await redisNow(redis);
    if ((await redis.exists(redisKeys.log(shard))) === 0) return { cursor: logStart, readTo };
    const info = (await redis.xinfo('STREAM', redisKeys.log(shard))) as unknown[];
    return { cursor: String(info[info.indexOf('last-generated-id') + 1]), readTo };
  }
}
