import { AppError } from './app-error.js';
import type { Redis } from './redis-connection.js';

/** The right to change something in Redis, as long as nobody was given a newer one. */
export interface Fence {
  /** Key of the counter whose value is the token of the latest owner. */
  readonly tokenKey: string;
  /** Grows with every owner. */
  readonly token: string;
  /** What the owner has, in words, such as `Shard 3`. */
  readonly what: string;
}

/**
 * KEYS[1] token counter; ARGV[1] the owner's token. Stops the script unless the owner is the latest: one that was
 * stalled and has been replaced must not undo what its successor did.
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
 * Runs a script that only the latest owner may run; its own keys begin at KEYS[2] and its own arguments at ARGV[2].
 * @throws AppError `lease_lost` when there is a newer owner; nothing is changed then
 */
export async function runFenced(
  redis: Redis,
  { tokenKey, token, what }: Fence,
  script: string,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.eval(fence + script, keys.length + 1, tokenKey, ...keys, token, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('FENCED')) throw error;
    const message = `${what} was taken over by another process while this one did not answer.`;
    throw new AppError('lease_lost', message, { cause: error });
  }
}
