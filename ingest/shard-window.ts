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
  #fetching: { readonly cursor: string; readonly entries: Promise<readonly DecodedEntry[]> } | undefined;

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

  /**
   * Reads on from the log. The window grows by what is read at its very end; whoever comes first from further
   * on begins it anew there. Both readers may want the same then, and one reads for both; but only from the
   * same cursor, or the one that is behind would miss what lies between.
   */
  async #fetchAfter(cursor: string): Promise<readonly DecodedEntry[]> {
    const end = this.#end();
    if (end !== undefined && compareIds(cursor, end) < 0) return this.#read(cursor);
    if (end !== cursor) this.#startAt(cursor);
    if (this.#fetching?.cursor !== cursor) {
      this.#fetching = { cursor, entries: this.#readOn(cursor) };
    }
    return this.#fetching.entries;
  }

  /** The id of the last entry of the window, or the cursor at which an empty one begins. */
  #end(): string | undefined {
    return this.#entries.at(-1)?.id ?? this.#before;
  }

  #startAt(cursor: string): void {
    this.#before = cursor;
    this.#entries = [];
    this.#bytes = 0;
  }

  async #readOn(cursor: string): Promise<readonly DecodedEntry[]> {
    try {
      const entries = await this.#read(cursor);
      // Meanwhile the window may have begun anew, further on.
      if (this.#end() === cursor) this.#keep(entries);
      return entries;
    } finally {
      if (this.#fetching?.cursor === cursor) this.#fetching = undefined;
    }
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

  #keep(entries: readonly DecodedEntry[]): void {
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
