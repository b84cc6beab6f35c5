import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { LedgerEntry, noCounts } from './ledger/ledger-entry.js';
import type { LedgerCounts } from './ledger/ledger-entry.js';
import { compareIds, logStart } from './log/log.js';
import { runShardFenced, saveFields } from './log/redis-shard-fence.js';
import { luaPut } from '../runtime/redis-fence.js';
import type { ShardFence } from './log/log.js';
import type { Quarantined } from './quarantine/quarantine.js';
import { luaHeld, readHeld } from './quarantine/redis-retention.js';
import type { QuarantineSize } from './quarantine/retention.js';

/** Everything the store knows of a shard, as of one cursor. */
export interface StoreState {
  cursor: string;
  /** What is up to here in the log may have been written to InfluxDB already when this was loaded. */
  readonly end: string;
  /** Checkpoints ever written. */
  saves: number;
  /** Device messages settled since the log was created. */
  settled: number;
  readonly totals: { -readonly [Count in keyof LedgerCounts]: LedgerCounts[Count] };
  /** Messages ever quarantined, by reason. */
  readonly reasons: Record<string, number>;
  /** Messages that expired in quarantine, by reason. */
  readonly expired: Record<string, number>;
  /** What the shard's quarantine held at the last checkpoint; replays have made it less since. */
  held: QuarantineSize;
  readonly devices: Map<string, LedgerEntry>;
}

/** What changed since the last checkpoint. */
export interface StoreChanges {
  readonly devices: ReadonlySet<string>;
  readonly quarantined: readonly { readonly id: string; readonly item: Quarantined }[];
  /** Ids of items that expire with this checkpoint. */
  readonly expired: readonly string[];
}

/** Reads the last checkpoint of a shard; a fresh state where there is none. */
export async function loadStoreState(redis: Redis, shard: number): Promise<StoreState> {
  const [last] = await redis.xrevrange(redisKeys.log(shard), '+', '-', 'COUNT', 1);
  const fields = await redis.hgetall(redisKeys.store(shard));
  const devices = new Map<string, LedgerEntry>();
  for (const [field, json] of Object.entries(fields)) {
    if (!field.startsWith('@'))
      devices.set(field, new LedgerEntry(JSON.parse(json) as ConstructorParameters<typeof LedgerEntry>[0]));
  }
  return {
    cursor: fields['@cursor'] ?? logStart,
    end: fields['@writing'] ?? last?.[0] ?? logStart,
    saves: Number(fields['@save'] ?? 0),
    settled: Number(fields['@settled'] ?? 0),
    totals: { ...noCounts, ...(JSON.parse(fields['@total'] ?? '{}') as Partial<LedgerCounts>) },
    reasons: JSON.parse(fields['@reasons'] ?? '{}') as Record<string, number>,
    expired: JSON.parse(fields['@expired'] ?? '{}') as Record<string, number>,
    held: await readHeld(redis, shard),
    devices,
  };
}

/**
 * KEYS[2] store hash, KEYS[3] quarantine stream, KEYS[4] what it holds; ARGV[2] the checkpoint's number, ARGV[3] how
 * many arguments there are for KEYS[2], ARGV[4] how many items expire; then the first arguments; then the ids of the
 * second; then each quarantined item: id, number of fields and values, these. Returns items and bytes in quarantine
 * (also when this checkpoint is there already, sent again after a lost reply), or 0, with nothing changed, when an
 * item that is to expire is no longer there. Atomic: cursor, ledger and quarantine agree whenever the process dies.
 */
const saveScript = `
local function held() return {redis.call('XLEN', KEYS[3]), tonumber(redis.call('HGET', KEYS[4], '@bytes') or '0')} end
if redis.call('HGET', KEYS[2], '@save') == ARGV[2] then return held() end
${luaPut}
${luaHeld}
local expiring = 5 + tonumber(ARGV[3])
local at = expiring + tonumber(ARGV[4])
for i = expiring, at - 1 do
  if #redis.call('XRANGE', KEYS[3], ARGV[i], ARGV[i]) == 0 then return 0 end
end
for i = expiring, at - 1 do take(KEYS[3], KEYS[4], ARGV[i]) end
while at <= #ARGV do
  local behind = at + 2 + tonumber(ARGV[at + 1])
  local added = redis.pcall('XADD', KEYS[3], ARGV[at], unpack(ARGV, at + 2, behind - 1))
  if type(added) == 'table' and added.err then
    if not string.find(added.err, 'equal or smaller', 1, true) then return added end
    redis.call('XADD', KEYS[3], '*', unpack(ARGV, at + 2, behind - 1))
  end
  hold(KEYS[4], {unpack(ARGV, at + 2, behind - 1)}, 1)
  at = behind
end
put(KEYS[2], 5, tonumber(ARGV[3]))
return held()`;

/**
 * Writes cursor, ledger and quarantine, all or nothing. A quarantined item keeps its id, which tells when it was
 * taken; where the stream is already further (its clock was set back) the item comes at its end, for none is lost.
 * @returns false, with nothing written, when an item that was to expire has been replayed meanwhile
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveStoreState(
  redis: Redis,
  fence: ShardFence,
  state: StoreState,
  changes: StoreChanges,
): Promise<boolean> {
  const { shard } = fence;
  state.saves++;
  const fields: string[] = [
    '@cursor',
    state.cursor,
    '@save',
    String(state.saves),
    '@settled',
    String(state.settled),
    '@total',
    JSON.stringify(state.totals),
    '@reasons',
    JSON.stringify(state.reasons),
    '@expired',
    JSON.stringify(state.expired),
  ];
  for (const device of changes.devices) fields.push(device, JSON.stringify(state.devices.get(device)));
  // A stream only takes growing ids, and what InfluxDB refused is known later than what could not be decoded.
  const items = changes.quarantined.toSorted((a, b) => compareIds(a.id, b.id));
  const quarantined = items.flatMap(({ id, item }) => {
    const itemFields = quarantineFields(item);
    return [id, itemFields.length, ...itemFields];
  });
  const keys = [redisKeys.store(shard), redisKeys.quarantine(shard), redisKeys.quarantineHeld(shard)];
  const { expired } = changes;
  const args = [state.saves, fields.length, expired.length, ...fields, ...expired, ...quarantined];
  const held = (await runShardFenced(redis, fence, saveScript, keys, args)) as
    0 | [items: number, bytes: number];
  if (held === 0) {
    state.saves--;
    return false;
  }
  state.held = { items: held[0], bytes: held[1] };
  return true;
}

/**
 * Notes up to where InfluxDB is about to be written: after a crash, what is beyond it surely was not.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function noteWriting(redis: Redis, fence: ShardFence, cursor: string): Promise<void> {
  await saveFields(redis, fence, redisKeys.store(fence.shard), ['@writing', cursor]);
}

function quarantineFields(item: Quarantined): (string | Buffer)[] {
  const { reason, detail, device, site, deviceClass, client, topic, arrivedAt, payload } = item;
  const { index, cutFrom, count, origin } = item;
  const fields = [
    'reason',
    reason,
    'detail',
    detail,
    'device',
    device,
    'client',
    client,
    'topic',
    topic,
    'at',
    String(arrivedAt),
    'payload',
    payload,
  ];
  if (index !== undefined) fields.push('index', String(index));
  if (count !== undefined && count !== 1) fields.push('count', String(count));
  if (cutFrom !== undefined) fields.push('cutFrom', String(cutFrom));
  if (site !== undefined) fields.push('site', site);
  if (deviceClass !== undefined) fields.push('class', deviceClass);
  if (origin !== undefined) fields.push('origin', JSON.stringify(origin));
  return fields;
}
