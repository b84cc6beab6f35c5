import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { LedgerEntry } from './ledger/ledger-entry.js';
import type { LedgerCounts } from './ledger/ledger-entry.js';
import { compareIds, logStart } from './log/log.js';
import type { Quarantined } from './quarantine/quarantine.js';

/** Everything the store knows of a shard, as of one cursor. */
export interface StoreState {
  cursor: string;
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
  /** `device/state` or `device/meta` → JSON. */
  readonly reported: ReadonlyMap<string, string>;
}

/** Reads the last checkpoint of a shard; a fresh state where there is none. */
export async function loadStoreState(redis: Redis, shard: number): Promise<StoreState> {
  const fields = await redis.hgetall(redisKeys.store(shard));
  const devices = new Map<string, LedgerEntry>();
  for (const [field, json] of Object.entries(fields)) {
    if (!field.startsWith('@'))
      devices.set(field, new LedgerEntry(JSON.parse(json) as ConstructorParameters<typeof LedgerEntry>[0]));
  }
  return {
    cursor: fields['@cursor'] ?? logStart,
    settled: Number(fields['@settled'] ?? 0),
    totals: JSON.parse(fields['@total'] ?? emptyTotals) as StoreState['totals'],
    reasons: JSON.parse(fields['@reasons'] ?? '{}') as Record<string, number>,
    devices,
  };
}

const emptyTotals = '{"received":0,"written":0,"quarantined":0,"duplicates":0,"gaps":0,"late":0}';

/**
 * Writes cursor, ledger and quarantine in one transaction: they agree whenever the process dies. All values
 * are absolute and the quarantine ids are given, so that a transaction sent twice does no more than once.
 */
export async function saveStoreState(
  redis: Redis,
  shard: number,
  state: StoreState,
  changes: StoreChanges,
): Promise<void> {
  const fields: string[] = [
    '@cursor',
    state.cursor,
    '@settled',
    String(state.settled),
    '@total',
    JSON.stringify(state.totals),
    '@reasons',
    JSON.stringify(state.reasons),
  ];
  for (const device of changes.devices) fields.push(device, JSON.stringify(state.devices.get(device)));
  const transaction = redis.multi().hset(redisKeys.store(shard), ...fields);
  if (changes.reported.size > 0) transaction.hset(redisKeys.reported(shard), ...[...changes.reported].flat());
  // A stream only takes growing ids, and what InfluxDB refused is known later than what could not be decoded.
  for (const { id, item } of changes.quarantined.toSorted((a, b) => compareIds(a.id, b.id))) {
    transaction.xadd(redisKeys.quarantine(shard), id, ...quarantineFields(item));
  }
  for (const [error] of (await transaction.exec()) ?? []) {
    // "equal or smaller": the transaction was sent again after a lost reply, and the item is there.
    if (error !== null && !error.message.includes('equal or smaller')) throw error;
  }
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
