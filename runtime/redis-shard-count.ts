import type { Redis } from './redis-connection.js';
import { redisKeys } from './redis-keys.js';

/** How many shards the reading log has; 0 as long as no pipeline was ever started on this Redis. */
export async function readShardCount(redis: Redis): Promise<number> {
  return Number((await redis.get(redisKeys.shards)) ?? 0);
}
