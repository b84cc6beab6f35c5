import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Alarm } from '../rules/alarm.js';
import { readShardCount } from '../runtime/redis-shard-count.js';

/** Alarms that people are told of, and those that rules in mode shadow would have raised. */
const keysOf = {
  real: { active: redisKeys.alarms, cleared: redisKeys.clearedAlarms },
  shadow: { active: redisKeys.shadowAlarms, cleared: redisKeys.clearedShadowAlarms },
} as const;

/**
 * The alarms of all sites, newest first: the active ones, the cleared ones that are still remembered, or both.
 * @param kind `shadow`: those of rules that are tried out in place of the real ones
 */
export async function listAlarms(
  redis: Redis,
  which: 'active' | 'cleared' | 'all',
  kind: keyof typeof keysOf = 'real',
): Promise<Alarm[]> {
  const { active, cleared } = keysOf[kind];
  const keys = await keysOfShards(redis, [
    ...(which === 'cleared' ? [] : [active]),
    ...(which === 'active' ? [] : [cleared]),
  ]);
  const records = await Promise.all(keys.map((key) => redis.hvals(key)));
  return records
    .flat()
    .map((json) => JSON.parse(json) as Alarm)
    .sort((a, b) => b.raisedAt - a.raisedAt || a.id.localeCompare(b.id));
}

/** How many alarms are active, and how many cleared ones are remembered; does not read the alarms themselves. */
export async function countAlarms(redis: Redis): Promise<{ active: number; cleared: number }> {
  const [active, cleared] = await Promise.all(
    [redisKeys.alarms, redisKeys.clearedAlarms].map(async (keyOf) => {
      const lengths = await Promise.all((await keysOfShards(redis, [keyOf])).map((key) => redis.hlen(key)));
      return lengths.reduce((sum, length) => sum + length, 0);
    }),
  );
  return { active: active ?? 0, cleared: cleared ?? 0 };
}

async function keysOfShards(redis: Redis, keysOf: readonly ((shard: number) => string)[]): Promise<string[]> {
  const shards = await readShardCount(redis);
  return keysOf.flatMap((keyOf) => Array.from({ length: shards }, (_, shard) => keyOf(shard)));
}
