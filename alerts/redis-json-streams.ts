import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';

/** What was read of one stream. */
export interface StreamBatch {
  readonly key: string;
  /** Of the entries that could be read. */
  readonly ids: readonly string[];
  readonly entries: readonly unknown[];
  /** Of the last entry, readable or not. */
  readonly last: string;
}

const batchEntries = 500;

/**
 * Waits for entries of streams whose field `t` is JSON. An entry that is none is logged and left out, and stays where
 * it is.
 * @param redis a connection of its own: reading blocks it
 * @param from the last entry seen of each stream, by key
 * @param blockMs wall ms to wait at most, at least 1
 */
export async function readJsonStreams(
  redis: Redis,
  from: ReadonlyMap<string, string>,
  blockMs: number,
  log: Logger,
): Promise<readonly StreamBatch[]> {
  const found = await redis.xread(
    'COUNT',
    batchEntries,
    'BLOCK',
    blockMs,
    'STREAMS',
    ...from.keys(),
    ...from.values(),
  );
  return (found ?? []).map(([key, records]) => decode(key, records, log));
}

function decode(key: string, records: readonly [string, string[]][], log: Logger): StreamBatch {
  const ids: string[] = [];
  const entries: unknown[] = [];
  for (const [id, fields] of records) {
    const json = fields[fields.indexOf('t') + 1] ?? '';
    try {
      entries.push(JSON.parse(json));
      ids.push(id);
    } catch (error) {
      log.error({ key, id, entry: json.slice(0, 500) }, `entry left aside: ${messageOf(error)}`);
    }
  }
  return { key, ids, entries, last: records.at(-1)?.[0] ?? '0' };
}
