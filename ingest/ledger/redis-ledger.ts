import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { readCounts } from './ledger-entry.js';
import type { LedgerCounts } from './ledger-entry.js';

/** The whole pipeline's ledger; always received = written + quarantined + duplicates + pending. */
export interface LedgerTotals extends LedgerCounts {
  /** Messages on disk in the reading log and not yet settled. They are among the received. */
  readonly pending: number;
}

/** Adds up the ledger of all shards. */
export async function readLedger(redis: Redis): Promise<LedgerTotals> {
  const shards = await readShardCount(redis);
  const sums = { received: 0, written: 0, quarantined: 0, duplicates: 0, gaps: 0, late: 0, pending: 0 };
  for (let shard = 0; shard < shards; shard++) {
    // One transaction: between two separate reads the store could settle what the first still saw.
    const replies = await redis
      .multi()
      .get(redisKeys.appended(shard))
      .hmget(redisKeys.store(shard), '@settled', '@total')
      .exec();
    const appended = Number(replies?.[0]?.[1] ?? 0);
    const [settled, total] = (replies?.[1]?.[1] ?? []) as (string | null)[];
    const pending = Math.max(0, appended - Number(settled ?? 0));
    const counts = JSON.parse(total ?? '{}') as Partial<LedgerCounts>;
    for (const name of ['received', 'written', 'quarantined', 'duplicates', 'gaps', 'late'] as const) {
      sums[name] += counts[name] ?? 0;
    }
    sums.pending += pending;
    sums.received += pending;
  }
  return sums;
}

/** The settled counts of one device; undefined when nothing of it was settled yet. */
export async function readDeviceLedger(redis: Redis, device: string): Promise<LedgerCounts | undefined> {
  const shards = await readShardCount(redis);
  for (let shard = 0; shard < shards; shard++) {
    const json = await redis.hget(redisKeys.store(shard), device);
    if (json !== null) return readCounts(json);
  }
  return undefined;
}
