import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { ShardFence } from './log.js';

/**
 * KEYS[1] token counter of the shard; ARGV[1] the owner's token. Stops the script unless the owner is the
 * latest: one that was stalled and has been replaced must not undo what its successor did.
 */
const fence = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
`;

/**
 * Defines \`put(key, first, count)\`: HSET of \`count\` arguments from ARGV[first] on, in pieces that Lua's stack
 * can take. Returns the index behind them.
 */
export const luaPut = `
local function put(key, first, count)
  local behind = first + count
  for at = first, behind - 1, 1000 do
    redis.call('HSET', key, unpack(ARGV, at, math.min(at + 999, behind - 1)))
  end
  return behind
end
`;

/**
 * Runs a script that changes the shard; its own keys begin at KEYS[2] and its own arguments at ARGV[2].
 * @throws AppError `lease_lost` when the shard has a newer owner; nothing is changed then
 */
export async function runFenced(
  redis: Redis,
  { shard, token }: ShardFence,
  script: string,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.eval(
      fence + script,
      keys.length + 1,
      redisKeys.leaseToken(shard),
      ...keys,
      token,
      ...args,
    );
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('FENCED')) throw error;
    const message = `Shard ${shard} was taken over by another ingest while this one did not answer.`;
    throw new AppError('lease_lost', message, { cause: error });
  }
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
  await runFenced(redis, fence, saveFieldsScript, [key], fields);
}
