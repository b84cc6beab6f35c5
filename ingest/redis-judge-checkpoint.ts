import type { Alarm, Transition } from '../rules/alarm.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { JudgedDevice } from './judged-device.js';
import type { JudgedState } from './judged-device.js';
import { logStart } from './log/log.js';

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

/** Writes the cursor and what changed since the last checkpoint, in one command and so all or nothing. */
export async function saveJudgeState(
  redis: Redis,
  shard: number,
  cursor: string,
  changes: {
    readonly engine: ReadonlyMap<string, string>;
    readonly devices: ReadonlyMap<string, JudgedDevice>;
  },
): Promise<void> {
  const fields = ['@cursor', cursor];
  for (const [key, json] of changes.engine) fields.push(`e/${key}`, json);
  for (const [id, device] of changes.devices) fields.push(`d/${id}`, JSON.stringify(device));
  await redis.hset(redisKeys.judge(shard), ...fields);
}

/**
 * KEYS[1] active alarms, KEYS[2] cleared alarms, KEYS[3] their order, KEYS[4] outbox stream; ARGV[1] alarm id,
 * ARGV[2] alarm JSON, ARGV[3] outbox JSON, ARGV[4] time of clearing or empty, ARGV[5] cleared alarms to keep.
 * Returns 1, or 0 when this transition (or a later one of the alarm) is there already: the log is read again
 * after a crash. Atomic: an alarm's state and the message about it are written together.
 */
const commitScript = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
if ARGV[4] == '' then
  if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
else
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
  local excess = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[5])
  if excess > 0 then
    for _, oldest in ipairs(redis.call('ZRANGE', KEYS[3], 0, excess - 1)) do
      redis.call('ZREM', KEYS[3], oldest)
      redis.call('HDEL', KEYS[2], oldest)
    end
  end
end
redis.call('XADD', KEYS[4], '*', 't', ARGV[3])
return 1`;

/**
 * Cleared alarms remembered per shard. Far more than can clear between two checkpoints: one that was forgotten
 * would be taken for new when the log is read again.
 */
const clearedAlarmsKept = 20_000;

/** Records an alarm transition and puts it in the outbox, once, however often it is asked to. */
export async function commitTransition(
  redis: Redis,
  shard: number,
  transition: Transition,
  alarm: Alarm,
  keep = clearedAlarmsKept,
): Promise<void> {
  await redis.eval(
    commitScript,
    4,
    redisKeys.alarms(shard),
    redisKeys.clearedAlarms(shard),
    redisKeys.clearedOrder(shard),
    redisKeys.outbox(shard),
    alarm.id,
    JSON.stringify(alarm),
    JSON.stringify({ transition, alarm }),
    alarm.clearedAt ?? '',
    keep,
  );
}
