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
const fetchBytes = 128 * 1024;
const mostEntries = 512;
const pollMs = 25;

/** One who follows a shard through its window. */
export interface WindowReader {
  /**
   * Entries after the cursor, oldest first; none when nothing came within `waitMs` or the signal fired. Asking
   * says that what is before the cursor is done with.
   */
  after(cursor: string, waitMs: number, signal: AbortSignal): Promise<readonly DecodedEntry[]>;
  /** What is up to the cursor is done with, though it is too early to ask for more. */
  pass(cursor: string): void;
}

/**
 * The newest part of a shard, decoded once for all who read it. The followers each have a cursor of their own;
 * while they are close together the others find here what the first has read, and one that has fallen behind
 * (InfluxDB is away) reads the log itself, so that memory stays bounded. What all have passed is let go at once:
 * decoded readings are small objects by the ten thousand, and those that live long cost the most to collect.
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
  /** Where each follower is; undefined until it has asked. */
  readonly #cursors: (string | undefined)[] = [];
  #fetching: { readonly cursor: string; readonly entries: Promise<readonly DecodedEntry[]> } | undefined;

  constructor(reader: LogReader, shard: number, decode: (record: LogRecord) => readonly Decoded[]) {
    this.#reader = reader;
    this.#shard = shard;
    this.#decode = decode;
  }

  /** Takes in a follower. All must be taken in before the first asks. */
  join(): WindowReader {
    const index = this.#cursors.push(undefined) - 1;
    const pass = (cursor: string) => {
      this.#cursors[index] = cursor;
      this.#letGo();
    };
    return {
      pass,
      after: (cursor, waitMs, signal) => {
        pass(cursor);
        return this.#after(cursor, waitMs, signal);
      },
    };
  }

  async #after(cursor: string, waitMs: number, signal: AbortSignal): Promise<readonly DecodedEntry[]> {
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
    this.#dropWhile(() => this.#bytes > windowBytes);
  }

  /** Drops what all followers have passed, but for those so far behind that they read by themselves. */
  #letGo(): void {
    const before = this.#before;
    if (before === undefined || this.#entries.length === 0) return;
    let slowest: string | undefined;
    for (const cursor of this.#cursors) {
      if (cursor === undefined) return;
      if (compareIds(cursor, before) < 0) continue;
      if (slowest === undefined || compareIds(cursor, slowest) < 0) slowest = cursor;
    }
    if (slowest === undefined) return;
    const passed = slowest;
    this.#dropWhile(({ id }) => compareIds(id, passed) <= 0);
  }

  #dropWhile(isSurplus: (oldest: DecodedEntry) => boolean): void {
    let dropped = 0;
    for (const oldest of this.#entries) {
      if (!isSurplus(oldest)) break;
      dropped++;
      this.#bytes -= oldest.bytes;
      this.#before = oldest.id;
    }
    if (dropped > 0) this.#entries.splice(0, dropped);
  }
}
