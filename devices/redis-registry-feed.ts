import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { parseChange } from './redis-registry-changes.js';
import type { RegistryChange } from './redis-registry-changes.js';

const blockMs = 2000;
const retryMs = 250;
const batch = 1000;

/**
 * Tells a process of every change to sites, devices and credentials soon after it is made. Where something
 * may have been missed (at the start, after a reconnect, when the stream was trimmed past us) it says that
 * everything may have changed; so a follower never misses a change, but may hear of one twice.
 */
export class RegistryFeed {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #onChanges: (changes: readonly RegistryChange[]) => void;
  /** The last entry seen; undefined: not known where we stand. */
  #cursor: string | undefined;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** @param onChanges must not throw */
  constructor(url: string, log: Logger, onChanges: (changes: readonly RegistryChange[]) => void) {
    // A connection of its own, because waiting for the next change blocks it.
    this.#redis = connectRedis(url, log, { commandTimeout: blockMs + 3000 });
    this.#log = log;
    this.#onChanges = onChanges;
    // Behind a new connection may be a Redis that was restored or replaced.
    this.#redis.on('close', () => (this.#cursor = undefined));
    this.#done = this.#follow();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#redis.disconnect();
    await this.#done;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const wait = () => sleep(retryMs, undefined, { signal }).catch(() => undefined);
    while (!signal.aborted) {
      try {
        if (this.#cursor === undefined) await this.#start();
        else await this.#next(this.#cursor);
      } catch (error) {
        this.#cursor = undefined;
        this.#log.debug(`the registry's changes can not be read: ${messageOf(error)}`);
        await wait();
      }
    }
  }

  async #start(): Promise<void> {
    const [newest] = await this.#redis.xrevrange(redisKeys.registryChanges, '+', '-', 'COUNT', 1);
    this.#cursor = newest?.[0] ?? '0-0';
    this.#onChanges([{ kind: 'everything' }]);
  }

  async #next(cursor: string): Promise<void> {
    const key = redisKeys.registryChanges;
    const [stream] =
      (await this.#redis.xread('COUNT', batch, 'BLOCK', blockMs, 'STREAMS', key, cursor)) ?? [];
    const entries = stream?.[1] ?? [];
    const last = entries.at(-1)?.[0];
    // As long as the entry we stood at is there, none behind it was trimmed before we read on.
    const whole = last === undefined || (await this.#redis.xrange(key, cursor, cursor)).length > 0;
    if (last === undefined || this.#cursor !== cursor) return;
    this.#cursor = last;
    this.#onChanges(whole ? entries.map(([, fields]) => parseChange(fields)) : [{ kind: 'everything' }]);
  }
}
