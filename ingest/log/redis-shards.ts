import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';

/**
 * The number of shards this log was created with; creates it with `wanted` where it is new.
 * @throws AppError `wrong_shards` when it was created with another number.
 */
export async function settleShards(redis: Redis, wanted: number): Promise<number> {
  await redis.setnx(redisKeys.shards, wanted);
  const kept = Number(await redis.get(redisKeys.shards));
  if (kept !== wanted) {
    throw new AppError(
      'wrong_shards',
      `This reading log has ${kept} shards but LOG_SHARDS is ${wanted}: a log keeps the number it was created with.`,
    );
  }
  return kept;
}
