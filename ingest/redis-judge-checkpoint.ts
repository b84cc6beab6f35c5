import type { Alarm, Transition } from '../rules/alarm.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { JudgedDevice } from './judged-device.js';
import type { JudgedState } from './judged-device.js';
import { logStart } from './log/log.js';
import { runFenced, saveFields } from './log/redis-shard-fence.js';
import type { ShardFence } from './log/log.js';

/** What the judge knows of a shard as of one cursor. */
export interface JudgeState {
  readonly cursor: string;
  /** The engine's own, by its keys. */
  readonly engine: ReadonlyMap<string, string>;
  readonly devices: Map<string, JudgedDevice>;
}

export async function loadJudgeState(redis: Redis, shard: number): Promise<JudgeState> {
  const fields = await redis.hgetall(redisKeys.judge(shard));
  const engine = new Map<string, string>();
  const devices = new Map<string, JudgedDevice>();
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith('e/')) engine.set(field.slice(2), value);
    else if (field.startsWith('d/'))
      devices.set(field.slice(2), new JudgedDevice(JSON.parse(value) as JudgedState));
  }
  return { cursor: fields['@cursor'] ?? logStart, engine, devices };
}

/**
 * Writes the cursor and what changed since the last checkpoint, all or nothing.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveJudgeState(
  redis: Redis,
  fence: ShardFence,
  cursor: string,
  changes: {
    readonly engine: ReadonlyMap<string, string>;
    readonly devices: ReadonlyMap<string, JudgedDevice>;
  },
): Promise<void> {
  const fields = ['@cursor', cursor];
  for (const [key, json] of changes.engine) fields.push(`e/${key}`, json);
  for (const [id, device] of changes.devices) fields.push(`d/${id}`, JSON.stringify(device));
  await saveFields(redis, fence, redisKeys.judge(fence.shard), fields);
}

/**
 * KEYS[2] active alarms, KEYS[3] cleared alarms, KEYS[4] their order, KEYS[5] outbox stream; ARGV[2] alarm id,
 * ARGV[3] alarm JSON, ARGV[4] outbox JSON, ARGV[5] time of clearing or empty, ARGV[6] cleared alarms to keep.
 * Returns 1, or 0 when this transition (or a later one of the alarm) is there already: the log is read again
 * after a crash. Atomic: an alarm's state and the message about it are written together.
 */
const commitScript = `
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 0 end
if ARGV[5] == '' then
  if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 0 then return 0 end
else
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
  local excess = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[6])
  if excess > 0 then
    for _, oldest in ipairs(redis.call('ZRANGE', KEYS[4], 0, excess - 1)) do
      redis.call('ZREM', KEYS[4], oldest)
      redis.call('HDEL', KEYS[3], oldest)
    end
  end
end
redis.call('XADD', KEYS[5], '*', 't', ARGV[4])
return 1`;

/**
 * Cleared alarms remembered per shard. Far more than can clear between two checkpoints: one that was forgotten
 * would be taken for new when the log is read again.
 */
const clearedAlarmsKept = 20_000;

/**
 * Records an alarm transition and puts it in the outbox, once, however often it is asked to.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function commitTransition(
  redis: Redis,
  fence: ShardFence,
  transition: Transition,
  alarm: Alarm,
  keep = clearedAlarmsKept,
): Promise<void> {
  const { shard } = fence;
  const keys = [
    redisKeys.alarms(shard),
    redisKeys.clearedAlarms(shard),
    redisKeys.clearedOrder(shard),
    redisKeys.outbox(shard),
  ];
  const entry = JSON.stringify({ transition, alarm });
  const args = [alarm.id, JSON.stringify(alarm), entry, alarm.clearedAt ?? '', keep];
  await runFenced(redis, fence, commitScript, keys, args);
}
