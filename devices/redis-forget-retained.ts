import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import type { Device } from './device.js';
import { shardOf } from './site.js';
import { retainedStreams, topicPrefix } from './topic.js';

const fieldsPerCommand = 1000;

/** Forgets what is retained of devices, as they stand in the registry or stood there: nobody is to hear it any more. */
export async function forgetRetained(
  redis: Redis,
  devices: Iterable<Pick<Device, 'id' | 'site' | 'deviceClass'>>,
): Promise<void> {
  const shards = await readShardCount(redis);
  // Nothing was ever published.
  if (shards === 0) return;
  const topicsOf = new Map<number, string[]>();
  for (const { id, site, deviceClass } of devices) {
    const shard = shardOf(site, shards);
    const topics = topicsOf.get(shard) ?? [];
    topicsOf.set(shard, topics);
    for (const stream of retainedStreams) topics.push(topicPrefix(site, deviceClass, id) + stream);
  }
  for (const [shard, topics] of topicsOf) {
    for (let i = 0; i < topics.length; i += fieldsPerCommand)
      await redis.hdel(redisKeys.retained(shard), ...topics.slice(i, i + fieldsPerCommand));
  }
}
