import type { Redis } from '../../runtime/redis-connection.js';
import { luaPut, runFenced } from '../../runtime/redis-fence.js';
import type { Fence } from '../../runtime/redis-fence.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { ShardFence } from './log.js';

/** What a script that changes the shard is run with. */
export function fenceOf({ shard, token }: ShardFence): Fence {
  return { tokenKey: redisKeys.leaseToken(shard), token, what: `Shard ${shard}` };
}

/**
 * Runs a script that changes the shard; its own keys begin at KEYS[2] and its own arguments at ARGV[2].
 * @throws AppError `lease_lost` when the shard has a newer owner; nothing is changed then
 */
export function runShardFenced(
  redis: Redis,
  fence: ShardFence,
  script: string,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  return runFenced(redis, fenceOf(fence), script, keys, args);
}

/** KEYS[2] hash; ARGV[2] on: fields and values. */
const saveFieldsScript = `
${luaPut}
put(KEYS[2], 2, #ARGV - 1)
return 1`;

/**
 * Writes fields of one of the shard's hashes, all or nothing.
 * @param fields names and values in turn
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveFields(
  redis: Redis,
  fence: ShardFence,
  key: string,
  fields: readonly string[],
): Promise<void> {
  await runShardFenced(redis, fence, saveFieldsScript, [key], fields);
}
