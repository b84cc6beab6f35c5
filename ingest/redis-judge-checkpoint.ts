import type { KeptPresence, PresenceChange } from '../devices/presence.js';
import type { Alarm, Transition } from '../rules/alarm.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { recordTransition } from './alarm-record.js';
import type { AlarmPlace } from './alarm-record.js';
import { restoreAttendee, saveAttendee } from './attendee.js';
import type { Attendee, SavedAttendee } from './attendee.js';
import { JudgedDevice } from './judged-device.js';
import type { JudgedState } from './judged-device.js';
import { logStart } from './log/log.js';
import { luaPut, runFenced } from './log/redis-shard-fence.js';
import type { ShardFence } from './log/log.js';

/** What the judge knows of a shard as of one cursor. */
export interface JudgeState {
  readonly cursor: string;
  /** The set of rules that entries behind the cursor are judged by; undefined: none was judged yet. */
  readonly ruleSet: string | undefined;
  /** The last entry that alarms were recorded of. */
  readonly committed: string;
  /** The engine's own, by its keys. */
  readonly engine: ReadonlyMap<string, string>;
  readonly devices: Map<string, JudgedDevice>;
  /** By the names that bridges have in the log. */
  readonly bridges: Map<string, Attendee>;
  /** Since when the front door listens; -Infinity where that is not known. */
  readonly openedAt: number;
}

/** What came about since the last checkpoint. */
export interface JudgeChanges {
  /** The set of rules that entries behind the cursor will be judged by. */
  readonly ruleSet: string;
  /** Undefined: it is no more. */
  readonly engine: ReadonlyMap<string, string | undefined>;
  readonly devices: ReadonlyMap<string, JudgedDevice>;
  readonly bridges: ReadonlyMap<string, Attendee>;
  readonly openedAt: number;
  /** Presence to be shown. */
  readonly presences: readonly { readonly device: string; readonly presence: KeptPresence }[];
  readonly presenceChanges: readonly PresenceChange[];
  /** Devices that are no more; the changes may be of new ones with the same ids. */
  readonly removed: ReadonlySet<string>;
}

export async function loadJudgeState(redis: Redis, shard: number): Promise<JudgeState> {
  const fields = await redis.hgetall(redisKeys.judge(shard));
  const engine = new Map<string, string>();
  const devices = new Map<string, JudgedDevice>();
  const bridges = new Map<string, Attendee>();
  for (const [field, value] of Object.entries(fields)) {
    const key = field.slice(2);
    if (field.startsWith('e/')) engine.set(key, value);
    else if (field.startsWith('d/')) devices.set(key, new JudgedDevice(JSON.parse(value) as JudgedState));
    else if (field.startsWith('b/')) bridges.set(key, restoreAttendee(JSON.parse(value) as SavedAttendee));
  }
  const openedAt = fields['@opened'] === undefined ? -Infinity : Number(fields['@opened']);
  const [cursor, committed] = [fields['@cursor'] ?? logStart, fields['@committed'] ?? logStart];
  return { cursor, ruleSet: fields['@rules'], committed, engine, devices, bridges, openedAt };
}

/**
 * KEYS[2] checkpoint, KEYS[3] presence, KEYS[4] changes of presence; ARGV[2] changes to keep, then five lists,
 * each after its length: fields and values of the checkpoint (@cursor and @rules first), of presence, and changes
 * (JSON); fields of the checkpoint and of presence that are no more, which go first. Returns 1, or 0 when it is saved
 * already: the command may have been sent twice.
 * Atomic: a change is told once, however often the log is judged.
 */
const saveScript = `
if redis.call('HGET', KEYS[2], ARGV[4]) == ARGV[5] and redis.call('HGET', KEYS[2], ARGV[6]) == ARGV[7] then return 0 end
${luaPut}
local gone = 3
for _ = 1, 3 do gone = gone + tonumber(ARGV[gone]) + 1 end
for key = 2, 3 do
  local last = gone + tonumber(ARGV[gone])
  for i = gone + 1, last do redis.call('HDEL', KEYS[key], ARGV[i]) end
  gone = last + 1
end
local at = 3
for key = 2, 3 do
  at = put(KEYS[key], at + 1, tonumber(ARGV[at]))
end
local changes = tonumber(ARGV[at])
for i = at + 1, at + changes do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[2], '*', 'c', ARGV[i])
end
return 1`;

/** Changes of presence that each shard remembers. */
const presenceChangesKept = 20_000;

/**
 * Writes the cursor and what changed since the last checkpoint, all or nothing.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveJudgeState(
  redis: Redis,
  fence: ShardFence,
  cursor: string,
  changes: JudgeChanges,
): Promise<void> {
  const { shard } = fence;
  const fields = ['@cursor', cursor, '@rules', changes.ruleSet];
  if (changes.openedAt !== -Infinity) fields.push('@opened', String(changes.openedAt));
  const gone = [...changes.removed].map((id) => `d/${id}`);
  for (const [key, json] of changes.engine) {
    if (json === undefined) gone.push(`e/${key}`);
    else fields.push(`e/${key}`, json);
  }
  for (const [id, device] of changes.devices) fields.push(`d/${id}`, JSON.stringify(device));
  for (const [name, bridge] of changes.bridges)
    fields.push(`b/${name}`, JSON.stringify(saveAttendee(bridge)));
  const shown = changes.presences.flatMap(({ device, presence }) => [device, JSON.stringify(presence)]);
  const told = changes.presenceChanges.map((change) => JSON.stringify(change));
  const lists = [fields, shown, told, gone, [...changes.removed]].flatMap((list) => [list.length, ...list]);
  const keys = [redisKeys.judge(shard), redisKeys.presence(shard), redisKeys.presenceChanges(shard)];
  await runFenced(redis, fence, saveScript, keys, [presenceChangesKept, ...lists]);
}

/**
 * KEYS[2] active alarms, KEYS[3] cleared alarms, KEYS[4] their order, KEYS[5] outbox stream, KEYS[6] checkpoint;
 * ARGV[2] alarm id, ARGV[3] alarm JSON, ARGV[4] outbox JSON or empty, ARGV[5] time of clearing or empty, ARGV[6] cleared
 * alarms to keep, ARGV[7] entry of the log that it comes of.
 * Returns 1, or 0 when the alarm is cleared already. Atomic: an alarm's state and the message about it are written
 * together.
 */
const commitScript = `
redis.call('HSET', KEYS[6], '@committed', ARGV[7])
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then return 0 end
if ARGV[5] == '' then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
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
if ARGV[4] ~= '' then redis.call('XADD', KEYS[5], '*', 't', ARGV[4]) end
return 1`;

/**
 * Cleared alarms remembered per shard. Far more than can clear between two checkpoints: one that was forgotten
 * would be taken for new when the log is read again.
 */
const clearedAlarmsKept = 20_000;

/** Alarms of a shard, as far as they are active. */
function activeKey(shard: number, isShadow: boolean): string {
  return isShadow ? redisKeys.shadowAlarms(shard) : redisKeys.alarms(shard);
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
  keep = clearedAlarmsKept,
): Promise<void> {
  const { shard } = fence;
  const isShadow = transition.shadow === true;
  const before = await findActiveAlarm(redis, shard, transition.alarm, isShadow);
  const alarm = recordTransition(before, transition, place);
  if (alarm === undefined) return;
  const keys = isShadow
    ? [redisKeys.clearedShadowAlarms(shard), redisKeys.clearedShadowOrder(shard)]
    : [redisKeys.clearedAlarms(shard), redisKeys.clearedOrder(shard)];
  const outboxEntry = isShadow ? '' : JSON.stringify({ transition, alarm });
  const args = [alarm.id, JSON.stringify(alarm), outboxEntry, alarm.clearedAt ?? '', keep, entry];
  await runFenced(
    redis,
    fence,
    commitScript,
    [activeKey(shard, isShadow), ...keys, redisKeys.outbox(shard), redisKeys.judge(shard)],
    args,
  );
}
