import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { LedgerEntry } from './ledger/ledger-entry.js';
import type { LedgerCounts } from './ledger/ledger-entry.js';
import { compareIds, logStart } from './log/log.js';
import { luaPut, runFenced } from './log/redis-shard-fence.js';
import type { ShardFence } from './log/log.js';
import type { Quarantined } from './quarantine/quarantine.js';

/** Everything the store knows of a shard, as of one cursor. */
export interface StoreState {
  cursor: string;
  /** The end of the log when this was loaded: what is before it may have been written already. */
  readonly end: string;
  /** Checkpoints ever written. */
  saves: number;
  /** Device messages settled since the log was created. */
  settled: number;
  readonly totals: { -readonly [Count in keyof LedgerCounts]: LedgerCounts[Count] };
  /** Messages ever quarantined, by reason. */
  readonly reasons: Record<string, number>;
  readonly devices: Map<string, LedgerEntry>;
}

/** What changed since the last checkpoint. */
export interface StoreChanges {
  readonly devices: ReadonlySet<string>;
  readonly quarantined: readonly { readonly id: string; readonly item: Quarantined }[];
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
    end: last?.[0] ?? logStart,
    saves: Number(fields['@save'] ?? 0),
    settled: Number(fields['@settled'] ?? 0),
    totals: JSON.parse(fields['@total'] ?? emptyTotals) as StoreState['totals'],
    reasons: JSON.parse(fields['@reasons'] ?? '{}') as Record<string, number>,
    devices,
  };
}

const emptyTotals = '{"received":0,"written":0,"quarantined":0,"duplicates":0,"gaps":0,"late":0}';

/**
 * KEYS[2] store hash, KEYS[3] quarantine stream; ARGV[2] the checkpoint's number, ARGV[3] how many arguments there
 * are for KEYS[2]; then these arguments; then each quarantined item: id, number of fields and values, these.
 * Returns 1, or 0 when this checkpoint is there already (sent again after a lost reply). Atomic: cursor, ledger
 * and quarantine agree whenever the process dies.
 */
const saveScript = `
if redis.call('HGET', KEYS[2], '@save') == ARGV[2] then return 0 end
${luaPut}
local at = 4 + tonumber(ARGV[3])
while at <= #ARGV do
  local behind = at + 2 + tonumber(ARGV[at + 1])
  local added = redis.pcall('XADD', KEYS[3], ARGV[at], unpack(ARGV, at + 2, behind - 1))
  if type(added) == 'table' and added.err then
    if not string.find(added.err, 'equal or smaller', 1, true) then return added end
    redis.call('XADD', KEYS[3], '*', unpack(ARGV, at + 2, behind - 1))
  end
  at = behind
end
put(KEYS[2], 4, tonumber(ARGV[3]))
return 1`;

/**
 * Writes cursor, ledger and quarantine, all or nothing. A quarantined item keeps its id, which tells when it was
 * taken; where the stream is already further (its clock was set back) the item comes at its end, for none is lost.
 * @throws AppError `lease_lost` when the shard has another owner
 */
export async function saveStoreState(
  redis: Redis,
  fence: ShardFence,
  state: StoreState,
  changes: StoreChanges,
): Promise<void> {
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
  ];
  for (const device of changes.devices) fields.push(device, JSON.stringify(state.devices.get(device)));
  // A stream only takes growing ids, and what InfluxDB refused is known later than what could not be decoded.
  const items = changes.quarantined.toSorted((a, b) => compareIds(a.id, b.id));
  const quarantined = items.flatMap(({ id, item }) => {
    const itemFields = quarantineFields(item);
    return [id, itemFields.length, ...itemFields];
  });
  const keys = [redisKeys.store(shard), redisKeys.quarantine(shard)];
  const args = [state.saves, fields.length, ...fields, ...quarantined];
  await runFenced(redis, fence, saveScript, keys, args);
}

function quarantineFields(item: Quarantined): (string | Buffer)[] {
  const { reason, detail, device, site, deviceClass, client, topic, arrivedAt, payload } = item;
  const { index, cutFrom, origin } = item;
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
  if (cutFrom !== undefined) fields.push('cutFrom', String(cutFrom));
  if (site !== undefined) fields.push('site', site);
  if (deviceClass !== undefined) fields.push('class', deviceClass);
  if (origin !== undefined) fields.push('origin', JSON.stringify(origin));
  return fields;
}
