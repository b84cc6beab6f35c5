import type { KeptPresence, PresenceChange } from '../devices/presence.js';
import type { Redis } from '../runtime/redis-connection.js';
import { luaPut } from '../runtime/redis-fence.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { restoreAttendee, saveAttendee } from './attendee.js';
import type { Attendee, SavedAttendee } from './attendee.js';
import { JudgedDevice } from './judged-device.js';
import type { JudgedState } from './judged-device.js';
import { logStart } from './log/log.js';
import { runShardFenced } from './log/redis-shard-fence.js';
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
  /** The `PinnedRegistry`, by its keys; empty: none was gone by yet. */
  readonly registry: ReadonlyMap<string, string>;
  readonly devices: Map<string, JudgedDevice>;
  /** By the names that bridges have in the log. */
  readonly bridges: Map<string, Attendee>;
  /** Since when the front door listens; -Infinity where that is not known. */
  readonly openedAt: number;
}

/** What came about since the last checkpoint. */
export interface JudgeChanges {
  /** Of each checkpoint another. */
  readonly save: string;
  /** The set of rules that entries behind the cursor will be judged by. */
  readonly ruleSet: string;
  /** Undefined: it is no more. */
  readonly engine: ReadonlyMap<string, string | undefined>;
  /** What entries behind the cursor will be judged by beside the rules; undefined: it is no more. */
  readonly registry: ReadonlyMap<string, string | undefined>;
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
  const registry = new Map<string, string>();
  const bridges = new Map<string, Attendee>();
  for (const [field, value] of Object.entries(fields)) {
    const key = field.slice(2);
    if (field.startsWith('e/')) engine.set(key, value);
    else if (field.startsWith('d/')) devices.set(key, new JudgedDevice(JSON.parse(value) as JudgedState));
    else if (field.startsWith('r/')) registry.set(key, value);
    else if (field.startsWith('b/')) bridges.set(key, restoreAttendee(JSON.parse(value) as SavedAttendee));
  }
  const openedAt = fields['@opened'] === undefined ? -Infinity : Number(fields['@opened']);
  const [cursor, committed] = [fields['@cursor'] ?? logStart, fields['@committed'] ?? logStart];
  return { cursor, ruleSet: fields['@rules'], committed, engine, registry, devices, bridges, openedAt };
}

/**
 * KEYS[2] checkpoint, KEYS[3] presence, KEYS[4] changes of presence; ARGV[2] changes to keep, then five lists,
 * each after its length: fields and values of the checkpoint (@save first), of presence, and changes
 * (JSON); fields of the checkpoint and of presence that are no more, which go first. Returns 1, or 0 when it is saved
 * already: the command may have been sent twice.
 * Atomic: a change is told once, however often the log is judged.
 */
const saveScript = `
if redis.call('HGET', KEYS[2], ARGV[4]) == ARGV[5] then return 0 end
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
  const fields = ['@save', changes.save, '@cursor', cursor, '@rules', changes.ruleSet];
  if (changes.openedAt !== -Infinity) fields.push('@opened', String(changes.openedAt));
  const gone = [...changes.removed].map((id) => `d/${id}`);
  const put = (field: string, json: string | undefined) => {
    if (json === undefined) gone.push(field);
    else fields.push(field, json);
  };
  for (const [key, json] of changes.engine) put(`e/${key}`, json);
  for (const [key, json] of changes.registry) put(`r/${key}`, json);
  for (const [id, device] of changes.devices) fields.push(`d/${id}`, JSON.stringify(device));
  for (const [name, bridge] of changes.bridges)
    fields.push(`b/${name}`, JSON.stringify(saveAttendee(bridge)));
  const shown = changes.presences.flatMap(({ device, presence }) => [device, JSON.stringify(presence)]);
  const told = changes.presenceChanges.map((change) => JSON.stringify(change));
  const lists = [fields, shown, told, gone, [...changes.removed]].flatMap((list) => [list.length, ...list]);
  const keys = [redisKeys.judge(shard), redisKeys.presence(shard), redisKeys.presenceChanges(shard)];
  await runShardFenced(redis, fence, saveScript, keys, [presenceChangesKept, ...lists]);
}
