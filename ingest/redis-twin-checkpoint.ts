import type { ReportedState } from '../devices/twin.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { logStart } from './log/log.js';
import type { ShardFence } from './log/log.js';
import { saveFields } from './log/redis-shard-fence.js';

/** What the devices of a shard have reported, as of one cursor. */
export interface TwinState {
  readonly cursor: string;
  readonly devices: Map<string, ReportedState>;
}

export async function loadTwinState(redis: Redis, shard: number): Promise<TwinState> {
  const fields = await redis.hgetall(redisKeys.twins(shard));
  const devices = new Map<string, ReportedState>();
  for (const [field, json] of Object.entries(fields)) {
    if (field.startsWith('d/')) devices.set(field.slice(2), JSON.parse(json) as ReportedState);
  }
  return { cursor: fields['@cursor'] ?? logStart, devices };
}

/**
 * Writes the cursor and the devices that reported since the last checkpoint, all or nothing.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveTwinState(
  redis: Redis,
  fence: ShardFence,
  cursor: string,
  changed: Iterable<readonly [string, ReportedState]>,
): Promise<void> {
  const fields = ['@cursor', cursor];
  for (const [device, reported] of changed) fields.push(`d/${device}`, JSON.stringify(reported));
  await saveFields(redis, fence, redisKeys.twins(fence.shard), fields);
}

/** Forgets what these devices reported. The owner of the shard does so: nobody else would write it again. */
export async function forgetTwins(
  redis: Redis,
  { shard }: ShardFence,
  devices: readonly string[],
): Promise<void> {
  await redis.hdel(redisKeys.twins(shard), ...devices.map((device) => `d/${device}`));
}
