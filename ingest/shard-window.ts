import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord } from './log/frame.js';
import type { LogReader } from './log/log.js';
import { compareIds } from './log/log.js';
import type { Decoded } from './stages/decoded.js';

/** One entry of the log, understood. */
export interface DecodedEntry {
  readonly id: string;
  readonly decoded: readonly Decoded[];
  /** Device messages in it, as the log counts them. */
  readonly messages: number;
  readonly bytes: number;
}

/** Bytes of log that stay decoded in memory per shard; some 6,000 readings. */
const windowBytes = 1024 * 1024;
/** Bytes of log that are read at once. */
const fetchBytes = 512 * 1024;
const mostEntries = 512;
const pollMs = 25;

/**
 * The newest part of a shard, decoded once for all who read it. The store and the judge each follow the log
 * with their own cursor; while they are close together the second one finds its entries here, and one that
 * has fallen behind (InfluxDB is away) reads the log itself, so that memory stays bounded.
 */
export class ShardWindow {
  readonly #reader: LogReader;
  readonly #shard: number;
  readonly #decode: (record: LogRecord) => readonly Decoded[];
  #entries: DecodedEntry[] = [];
  #bytes = 0;
  /** The id before the first entry of the window. */
  #before: string | undefined;
  #averageBytes = fetchBytes / 16;
  #fetching: Promise<readonly DecodedEntry[]> | undefined;

  constructor(reader: LogReader, shard: number, decode: (record: LogRecord) => readonly Decoded[]) {
    this.#reader = reader;
    this.#shard = shard;
    this.#decode = decode;
  }

  /** Entries after the cursor, oldest first; none when nothing came within `waitMs` or the signal fired. */
  async after(cursor: string, waitMs: number, signal: AbortSignal): Promise<readonly DecodedEntry[]> {
    const giveUpAt = performance.now() + waitMs;
    for (;;) {
      const kept = this.#keptAfter(cursor);
      if (kept.length > 0) return kept;
      const fetched = await this.#fetchAfter(cursor);
      if (fetched.length > 0) return fetched;
      if (signal.aborted || performance.now() >= giveUpAt) return [];
      await sleep(pollMs);
    }
  }

  #keptAfter(cursor: string): readonly DecodedEntry[] {
    if (this.#before === undefined || compareIds(cursor, this.#before) < 0) return [];
    // From the end: whoever follows the log closely has its cursor there.
    const known = this.#entries.findLastIndex((entry) => compareIds(entry.id, cursor) <= 0);
    return this.#entries.slice(known + 1);
  }

  async #fetchAfter(cursor: string): Promise<readonly DecodedEntry[]> {
    const atEnd = this.#before === undefined || cursor === (this.#entries.at(-1)?.id ?? this.#before);
    if (!atEnd) return this.#read(cursor);
    // At the end of the window both readers want the same entries: one reads them for both.
    this.#fetching ??= this.#read(cursor)
      .then((entries) => {
        this.#keep(cursor, entries);
        return entries;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    const fetched = await this.#fetching;
    return fetched.filter((entry) => compareIds(entry.id, cursor) > 0);
  }

  async #read(cursor: string): Promise<readonly DecodedEntry[]> {
    const limit = Math.max(1, Math.min(mostEntries, Math.floor(fetchBytes / this.#averageBytes)));
    const entries = await this.#reader.readAfter(this.#shard, cursor, limit);
    if (entries.length === 0) return [];
    this.#averageBytes = entries.reduce((sum, entry) => sum + entry.bytes, 0) / entries.length;
    return entries.map(({ id, records, bytes }) => ({
      id,
      bytes,
      decoded: records.flatMap(this.#decode),
      messages: records.reduce((n, record) => n + (record.kind === 'message' ? 1 : 0), 0),
    }));
  }

  #keep(cursor: string, entries: readonly DecodedEntry[]): void {
    this.#before ??= cursor;
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.bytes;
    }
    let dropped = 0;
    while (this.#bytes > windowBytes && dropped < this.#entries.length) {
      const oldest = this.#entries[dropped++];
      this.#bytes -= oldest?.bytes ?? 0;
      this.#before = oldest?.id;
    }
    if (dropped > 0) this.#entries.splice(0, dropped);
  }
}
