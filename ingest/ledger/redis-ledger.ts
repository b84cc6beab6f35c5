import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { decodeFrame } from '../log/frame.js';
import { countNames, noCounts, readCounts } from './ledger-entry.js';
import type { LedgerCounts } from './ledger-entry.js';

/** The whole pipeline's ledger: received = written + quarantined + expired + duplicates + pending + unaccounted. */
export interface LedgerTotals extends LedgerCounts {
  /** Messages on disk in the reading log and not yet settled. They are among the received. */
  readonly pending: number;
  /**
   * What the ledger can't explain; not 0 only when something is wrong. The broker's count of messages appended is
   * compared with the store's count of messages settled and with what is really in the log.
   */
  readonly unaccounted: number;
}

/** Entries of the log that are counted one by one; with more of them the two counters tell what is pending. */
const mostCounted = 200;

/**
 * KEYS[1] appended counter, KEYS[2] store hash, KEYS[3] log stream; ARGV[1] most entries to return. Returns what was
 * appended, settled, the totals, and the log's entries after the store's cursor. Atomic: between separate reads
 * the store could settle what the first still saw.
 */
const readScript = `
local settled = redis.call('HMGET', KEYS[2], '@settled', '@total', '@cursor')
local entries = redis.call('XRANGE', KEYS[3], '(' .. (settled[3] or '0-0'), '+', 'COUNT', ARGV[1])
return {redis.call('GET', KEYS[1]) or '0', settled[1] or '0', settled[2] or '{}', entries}`;

/** Adds up the ledger of all shards. */
export async function readLedger(redis: Redis): Promise<LedgerTotals> {
  const shards = await readShardCount(redis);
  const sums = { ...noCounts, pending: 0, unaccounted: 0 };
  for (let shard = 0; shard < shards; shard++) {
    const keys = [redisKeys.appended(shard), redisKeys.store(shard), redisKeys.log(shard)];
    const [appended, settled, total, entries] = (await redis.callBuffer(
      'EVAL',
      readScript,
      keys.length,
      ...keys,
      mostCounted,
    )) as [Buffer, Buffer, Buffer, [Buffer, Buffer[]][]];
    const counts = JSON.parse(total.toString()) as Partial<LedgerCounts>;
    const unsettled = Number(appended) - Number(settled);
    const pending = entries.length < mostCounted ? countMessages(entries) : unsettled;
    for (const name of countNames) {
      sums[name] += counts[name] ?? 0;
    }
    sums.pending += pending;
    sums.received += unsettled;
  }
  const { received, written, quarantined, expired, duplicates, pending } = sums;
  return { ...sums, unaccounted: received - written - quarantined - expired - duplicates - pending };
}

/** Device messages in entries of the log. */
function countMessages(entries: readonly (readonly [Buffer, Buffer[]])[]): number {
  const frames = entries.map(([, fields]) => fields[1]);
  const records = frames.flatMap((frame) => (frame === undefined ? [] : decodeFrame(frame)));
  return records.filter(({ kind }) => kind === 'message').length;
}

/**
 * The settled counts of one device; undefined when nothing of it was settled yet. What of it is still in the log is
 * not known without reading the log, so it is among the `pending` of `readLedger` only.
 */
export async function readDeviceLedger(redis: Redis, device: string): Promise<LedgerCounts | undefined> {
  const shards = await readShardCount(redis);
  for (let shard = 0; shard < shards; shard++) {
    const json = await redis.hget(redisKeys.store(shard), device);
    if (json !== null) return readCounts(json);
  }
  return undefined;
}
