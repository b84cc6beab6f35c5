import type { LogRecord } from './frame.js';

/** Where the broker puts what it heard. */
export interface LogWriter {
  /**
   * Hands a record over; `done` is called once, without an error only when the record is on disk. Calls of
   * `done` come in the order of `append`. After an error the record may still appear in the log later.
   */
  append(shard: number, record: LogRecord, done: (error?: Error) => void): void;
  /** Resolves when everything handed over has been answered for. */
  drain(): Promise<void>;
}

/** Puts a record into the log; resolves when it is on disk. @throws when it may not be */
export function appendDurably(log: LogWriter, shard: number, record: LogRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(shard, record, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** One entry of a shard's log: the records of one group commit. */
export interface LogEntry {
  /** `<ms>-<seq>`, growing along the shard. */
  readonly id: string;
  readonly records: readonly LogRecord[];
  readonly bytes: number;
}

/** The right to change a shard, as long as nobody was given a newer one. */
export interface ShardFence {
  readonly shard: number;
  /** Grows with every owner of the shard. */
  readonly token: string;
}

/** Reads a shard in order; a reader keeps its own cursor, the id of the last entry it has dealt with. */
export interface LogReader {
  /** Up to `limit` entries after the cursor, oldest first; none when it is at the end. */
  readAfter(shard: number, cursor: string, limit: number): Promise<LogEntry[]>;
  /** Entries kept in the shard. */
  count(shard: number): Promise<number>;
  /** Removes the entries up to and including the cursor, but none younger than `keptMs`. @throws AppError `lease_lost` */
  trimThrough(fence: ShardFence, cursor: string): Promise<void>;
}

/**
 * The log's newest entries stay for as long at least, wall ms by Redis' clock, also when they are settled: for
 * who reads the log along and has no part in settling it.
 */
export const keptMs = 3000;

/** The cursor before a shard's first entry. */
export const logStart = '0-0';

/** Orders two entry ids: negative when `a` is the earlier. */
export function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}

/** When the entry was appended, by Redis' wall clock, epoch ms. */
export function entryTime(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}
