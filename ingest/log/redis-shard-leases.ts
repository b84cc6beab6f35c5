import type { Logger } from '../../runtime/logger.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { Leases } from '../../runtime/redis-leases.js';
import type { Lease } from '../../runtime/redis-leases.js';
import type { ShardFence } from './log.js';
import { fenceOf } from './redis-shard-fence.js';

/** A shard of our own until it is given back or lost. */
export interface ShardLease extends ShardFence, Lease {}

/** Makes sure that a shard has one follower (`Leases`). */
export class ShardLeases {
  readonly #leases: Leases;
  readonly #shardOf = new Map<string, number>();

  constructor(redis: Redis, log: Logger) {
    this.#leases = new Leases(redis, log);
  }

  /** Waits until the shard is free and takes it; undefined when the signal came first. */
  async acquire(shard: number, signal: AbortSignal): Promise<ShardLease | undefined> {
    const leaseKey = redisKeys.lease(shard);
    this.#shardOf.set(leaseKey, shard);
    const { tokenKey, what } = fenceOf({ shard, token: '' });
    const lease = await this.#leases.acquire({ leaseKey, tokenKey, what }, signal);
    // Another object would not be known when it is given back.
    return lease === undefined ? undefined : Object.assign(lease, { shard });
  }

  /** Gives the shard back, so that the next one need not wait. */
  async release(lease: ShardLease): Promise<void> {
    await this.#leases.release(lease);
  }

  /** One sentence while shards that are free for us to follow are followed by another process. */
  get waiting(): string | undefined {
    const { waiting } = this.#leases;
    const [first] = waiting;
    if (first === undefined) return undefined;
    const numbers = [...waiting.keys()].map((key) => this.#shardOf.get(key) ?? 0);
    const shards = numbers.sort((a, b) => a - b).join(', ');
    return `stands by: shards ${shards} are followed by another ingest (${first[1]})`;
  }

  stop(): void {
    this.#leases.stop();
  }
}
