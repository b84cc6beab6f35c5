import type { Birth } from '../../devices/profiles/sparkplug/birth.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';

/** What a bridge has to know after a restart. */
export class BridgeMemory {
  readonly #redis: Redis;
  readonly #bridge: string;

  constructor(redis: Redis, bridge: string) {
    this.#redis = redis;
    this.#bridge = bridge;
  }

  /** Births of Sparkplug edge nodes, by `group/node`. */
  async births(): Promise<ReadonlyMap<string, Birth>> {
    const kept = await this.#redis.hgetall(redisKeys.bridgeBirths(this.#bridge));
    return new Map(Object.entries(kept).map(([node, json]) => [node, JSON.parse(json) as Birth]));
  }

  async keepBirth(node: string, birth: Birth | undefined): Promise<void> {
    const key = redisKeys.bridgeBirths(this.#bridge);
    if (birth === undefined) await this.#redis.hdel(key, node);
    else await this.#redis.hset(key, node, JSON.stringify(birth));
  }

  /** The filters that the session at the other broker holds. */
  async subscribed(): Promise<readonly string[]> {
    const json = await this.#redis.hget(redisKeys.bridgeFilters, this.#bridge);
    return json === null ? [] : (JSON.parse(json) as string[]);
  }

  async keepSubscribed(filters: readonly string[]): Promise<void> {
    await this.#redis.hset(redisKeys.bridgeFilters, this.#bridge, JSON.stringify(filters));
  }
}
