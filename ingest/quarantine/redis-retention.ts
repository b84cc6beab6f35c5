import type { RejectReason } from '../../devices/telemetry.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { QuarantineSize } from './retention.js';

/**
 * Defines, for scripts that change a quarantine, \`hold(held, fields, sign)\`, which keeps the hash of what is
 * held in step with an item's fields, and \`take(stream, held, id)\`, which takes an item out; false when it is
 * not there.
 */
export const luaHeld = `
local function hold(held, fields, sign)
  local bytes, reason, count = 0, '', 1
  for i = 1, #fields, 2 do
    bytes = bytes + #fields[i] + #fields[i + 1]
    if fields[i] == 'reason' then reason = fields[i + 1] end
    if fields[i] == 'count' then count = tonumber(fields[i + 1]) end
  end
  redis.call('HINCRBY', held, '@bytes', sign * bytes)
  redis.call('HINCRBY', held, reason, sign * count)
end
local function take(stream, held, id)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if not entry then return false end
  redis.call('XDEL', stream, id)
  hold(held, entry[2], -1)
  return true
end
`;

/** An item that is to expire, as far as the ledger must know it. */
export interface OldItem {
  readonly id: string;
  readonly device: string;
  readonly reason: RejectReason;
  /** Messages or elements that it stands for. */
  readonly count: number;
}

/** So many at most go with one checkpoint: the script that takes them out holds up everybody. */
const mostAtOnce = 5000;

/**
 * KEYS[1] quarantine stream; ARGV[1] items, ARGV[2] bytes, ARGV[3] most items. Returns id, device, reason, count
 * of the oldest items that make up for both; their payloads, which may be large, stay where they are.
 */
const oldestScript = `
local found, items, bytes, from = {}, 0, 0, '-'
while items < tonumber(ARGV[3]) and (items < tonumber(ARGV[1]) or bytes < tonumber(ARGV[2])) do
  local rows = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 10)
  if #rows == 0 then break end
  for _, row in ipairs(rows) do
    if items >= tonumber(ARGV[3]) or (items >= tonumber(ARGV[1]) and bytes >= tonumber(ARGV[2])) then break end
    local of = { count = '1' }
    for i = 1, #row[2], 2 do
      bytes = bytes + #row[2][i] + #row[2][i + 1]
      of[row[2][i]] = row[2][i + 1]
    end
    items = items + 1
    for _, value in ipairs({ row[1], of.device or of.client, of.reason, of.count }) do table.insert(found, value) end
    from = '(' .. row[1]
  end
end
return found`;

/** The oldest items of a shard, as many as make up for the excess; a bounded number at once. */
export async function readOldest(redis: Redis, shard: number, excess: QuarantineSize): Promise<OldItem[]> {
  const { items, bytes } = excess;
  const key = redisKeys.quarantine(shard);
  const flat = (await redis.eval(oldestScript, 1, key, items, bytes, mostAtOnce)) as string[];
  const found: OldItem[] = [];
  for (let i = 0; i + 3 < flat.length; i += 4) {
    const [id = '', device = '', reason = '', count = '1'] = flat.slice(i, i + 4);
    found.push({ id, device, reason: reason as RejectReason, count: Number(count) });
  }
  return found;
}

/** What the quarantine of a shard holds. */
export async function readHeld(redis: Redis, shard: number): Promise<QuarantineSize> {
  const [items, bytes] = await Promise.all([
    redis.xlen(redisKeys.quarantine(shard)),
    redis.hget(redisKeys.quarantineHeld(shard), '@bytes'),
  ]);
  return { items, bytes: Number(bytes ?? 0) };
}
