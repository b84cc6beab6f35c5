import type { Alarm, Transition } from '../rules/alarm.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { recordTransition } from './alarm-record.js';
import type { AlarmPlace } from './alarm-record.js';
import type { ShardFence } from './log/log.js';
import { runShardFenced } from './log/redis-shard-fence.js';

/**
 * KEYS[2] active alarms, KEYS[3] cleared alarms, KEYS[4] their order, KEYS[5] outbox stream, KEYS[6] checkpoint;
 * ARGV[2] alarm id, ARGV[3] alarm JSON, ARGV[4] outbox JSON or empty, ARGV[5] time of clearing or empty, ARGV[6] entry
 * of the log that it comes of.
 * Returns 1, or 0 when the alarm is cleared already. Atomic: an alarm's state and the message about it are written
 * together.
 */
const commitScript = `
redis.call('HSET', KEYS[6], '@committed', ARGV[6])
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 0 end
if ARGV[5] == '' then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
else
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
end
if ARGV[4] ~= '' then redis.call('XADD', KEYS[5], '*', 't', ARGV[4]) end
return 1`;

/** KEYS[2] cleared alarms, KEYS[3] their order; ARGV[2] how many to keep. In pieces that Lua's stack can take. */
const forgetScript = `
local excess = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[2])
while excess > 0 do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, math.min(excess, 1000) - 1)
  redis.call('ZREM', KEYS[3], unpack(oldest))
  redis.call('HDEL', KEYS[2], unpack(oldest))
  excess = excess - #oldest
end
return 1`;

/** Cleared alarms remembered per shard. */
const clearedAlarmsKept = 20_000;

/** Alarms of a shard, as far as they are active. */
function activeKey(shard: number, isShadow: boolean): string {
  return isShadow ? redisKeys.shadowAlarms(shard) : redisKeys.alarms(shard);
}

/** Those that are cleared, and their order. */
function clearedKeys(shard: number, isShadow: boolean): readonly [string, string] {
  return isShadow
    ? [redisKeys.clearedShadowAlarms(shard), redisKeys.clearedShadowOrder(shard)]
    : [redisKeys.clearedAlarms(shard), redisKeys.clearedOrder(shard)];
}

/** The alarm's record while it is active; undefined where it is not. */
export async function findActiveAlarm(
  redis: Redis,
  shard: number,
  alarm: string,
  isShadow: boolean,
): Promise<Alarm | undefined> {
  const json = await redis.hget(activeKey(shard, isShadow), alarm);
  return json === null ? undefined : (JSON.parse(json) as Alarm);
}

/** The ids of all alarms that are recorded as active. */
export function listActiveAlarms(redis: Redis, shard: number, isShadow: boolean): Promise<string[]> {
  return redis.hkeys(activeKey(shard, isShadow));
}

/**
 * Records an alarm transition and puts it in the outbox, once, however often it is asked to. One of a rule that is
 * tried out is only recorded.
 * @param entry the last entry of the log that alarms were recorded of: this one, or a later one before a crash
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function commitTransition(
  redis: Redis,
  fence: ShardFence,
  transition: Transition,
  place: AlarmPlace,
  entry: string,
): Promise<void> {
  const { shard } = fence;
  const isShadow = transition.shadow === true;
  const before = await findActiveAlarm(redis, shard, transition.alarm, isShadow);
  const alarm = recordTransition(before, transition, place);
  if (alarm === undefined) return;
  const keys = [activeKey(shard, isShadow), ...clearedKeys(shard, isShadow)];
  const outboxEntry = isShadow ? '' : JSON.stringify({ transition, alarm });
  await runShardFenced(
    redis,
    fence,
    commitScript,
    [...keys, redisKeys.outbox(shard), redisKeys.judge(shard)],
    [alarm.id, JSON.stringify(alarm), outboxEntry, alarm.clearedAt ?? '', entry],
  );
}

/**
 * Forgets the alarms that were cleared first, beyond a number. To be called right after a checkpoint only: one that is
 * found again from the log, and not remembered, would be told of again.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function forgetCleared(
  redis: Redis,
  fence: ShardFence,
  keep = clearedAlarmsKept,
): Promise<void> {
  for (const isShadow of [false, true])
    await runShardFenced(redis, fence, forgetScript, clearedKeys(fence.shard, isShadow), [keep]);
}
