import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Alarm } from '../rules/alarm.js';
import { readShardCount } from '../runtime/redis-shard-count.js';

/** The alarms of all sites, newest first; with `active` only those that are, or only those that no longer are. */
export async function listAlarms(redis: Redis, filter: { readonly active?: boolean } = {}): Promise<Alarm[]> {
  const shards = await readShardCount(redis);
  const records = await Promise.all(
    Array.from({ length: shards }, (_, shard) => redis.hvals(redisKeys.alarms(shard))),
  );
  return records
    .flat()
    .map((json) => JSON.parse(json) as Alarm)
    .filter((alarm) => filter.active === undefined || (alarm.state === 'active') === filter.active)
    .sort((a, b) => b.raisedAt - a.raisedAt || a.id.localeCompare(b.id));
}

/** How many alarms are active and how many were. */
export async function countAlarms(redis: Redis): Promise<{ active: number; cleared: number }> {
  const alarms = await listAlarms(redis);
  const active = alarms.filter((alarm) => alarm.state === 'active').length;
  return { active, cleared: alarms.length - active };
}
