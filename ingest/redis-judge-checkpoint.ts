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
 * KEYS[1] alarms hash, KEYS[2] outbox stream; ARGV[1] alarm id, ARGV[2] alarm JSON, ARGV[3] outbox JSON.
 * Returns 1, or 0 when this transition (or a later one of the alarm) is there already: the log is read again
 * after a crash. Atomic: an alarm's state and the message about it are written together.
 */
const commitScript = `
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then
  local before = cjson.decode(known)['state']
  if before == 'cleared' or before == cjson.decode(ARGV[2])['state'] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 't', ARGV[3])
return 1`;

/** Records an alarm transition and puts it in the outbox, once, however often it is asked to. */
export async function commitTransition(
  redis: Redis,
  shard: number,
  transition: Transition,
  alarm: Alarm,
): Promise<void> {
  await redis.eval(
    commitScript,
    2,
    redisKeys.alarms(shard),
    redisKeys.outbox(shard),
    alarm.id,
    JSON.stringify(alarm),
    JSON.stringify({ transition, alarm }),
  );
}
