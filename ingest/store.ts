import type { Reading, Rejection } from '../devices/telemetry.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { LedgerEntry, mostSeries } from './ledger/ledger-entry.js';
import type { RefusedNumber, Verdict } from './ledger/seen-readings.js';
import type { Quarantined, Subject } from './quarantine/quarantine.js';
import { toQuarantine } from './quarantine/quarantine.js';
import { readHeld, readOldest } from './quarantine/redis-retention.js';
import type { OldItem } from './quarantine/redis-retention.js';
import { excessOf } from './quarantine/retention.js';
import type { QuarantineSize } from './quarantine/retention.js';
import { loadStoreState, noteWriting, saveStoreState } from './redis-store-checkpoint.js';
import type { StoreState } from './redis-store-checkpoint.js';
import type { MessageRecord } from './log/frame.js';
import { compareIds, entryTime, logStart } from './log/log.js';
import type { ShardFence } from './log/log.js';
import { findStrayAcks } from './redis-stray-acks.js';
import type { DecodedEntry, WindowReader } from './shard-window.js';
import type { Sink } from './sinks/influx-sink.js';
import { eventLine, readingLines } from './sinks/line-protocol.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded, DecodedNotice, DecodedReading, DecodedRejection, Source } from './stages/decoded.js';
import { withoutStrangers } from './stages/unregistered.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
const idleCheckpointMs = 200;
const mostQuarantined = 500;
/** Replays that run at the same time may take what was to expire. */
const mostAttempts = 5;

export interface StoreParts {
  readonly redis: Redis;
  /** The right to change the shard, and which one it is. */
  readonly lease: ShardFence;
  readonly window: WindowReader;
  readonly sink: Sink;
  readonly tags: DeviceTagBook;
  readonly metrics: IngestMetrics;
  readonly batchLines: number;
  readonly clock: Clock;
  /** How much the shard's quarantine may hold. */
  readonly quarantine: QuarantineSize;
  /** Told after every checkpoint up to where the store no longer needs the log. */
  readonly onCheckpoint: (cursor: string) => Promise<void>;
}

/** The `i`-th thing in an entry of the log. */
interface Place {
  readonly entryId: string;
  readonly i: number;
}

/** Whose entry of the ledger something counts in, and what it is. */
interface Accounted {
  readonly entry: LedgerEntry;
  readonly subject: Subject;
  readonly source: Source;
  readonly place: Place;
}

/** A line for InfluxDB and what it was made from. */
interface Written extends Accounted {
  readonly line: string;
  readonly countedAs: 'written' | 'duplicates';
}

/** A batch that is accounted for and has to be written. */
interface Taken {
  readonly written: readonly Written[];
  /** When the first of each entry arrived, epoch ms of the pipeline's clock. */
  readonly arrivals: readonly number[];
  /** Device messages in it. */
  readonly messages: number;
  /** Its last entry. */
  readonly cursor: string;
}

/**
 * Follows one shard of the log into InfluxDB and keeps the ledger: every message is settled here as written,
 * duplicate or quarantined, and the cursor moves only when InfluxDB has confirmed. What is in memory beyond
 * the last checkpoint is done again after a crash, with the same result.
 */
export class ShardStore {
  readonly #parts: StoreParts;
  readonly #state: StoreState;
  #changed = new Set<string>();
  #quarantined: { id: string; item: Quarantined }[] = [];
  readonly #takenBack = new WeakSet<MessageRecord>();
  #checkpointAt = performance.now();
  #unsaved = false;
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: StoreParts, state: StoreState) {
    this.#parts = parts;
    this.#state = state;
    this.#unsaved = excessOf(state.held, parts.quarantine) !== undefined;
  }

  /** What the shard's quarantine held at the last checkpoint. */
  get held(): QuarantineSize {
    return this.#state.held;
  }

  static async load(parts: StoreParts): Promise<ShardStore> {
    return new ShardStore(parts, await loadStoreState(parts.redis, parts.lease.shard));
  }

  /** Until told to stop: with `drain`, at the end of the log; with `abort`, at once. */
  async run(signals: StopSignals): Promise<void> {
    const { window, batchLines } = this.#parts;
    while (!signals.abort.aborted) {
      const entries = await window.after(this.#state.cursor, idleCheckpointMs, signals.drain);
      if (entries.length === 0 && signals.drain.aborted) break;
      this.waitingSince = entries[0] === undefined ? undefined : entryTime(entries[0].id);
      await this.#settle(cutIntoBatches(entries, batchLines, this.#state.end), signals.abort);
      await this.#checkpointIfDue(entries.length === 0);
    }
    if (this.#unsaved && !signals.abort.aborted) await this.#checkpoint();
  }

  async #settle(batches: (readonly DecodedEntry[])[], abort: AbortSignal): Promise<void> {
    // Nothing here holds on to the batch: while InfluxDB takes its time, only what was made of it is wanted.
    while (batches.length > 0) await this.#write(await this.#take(batches.shift() ?? []), abort);
  }

  /** Accounts for all that is in a batch; the window may let go of it. */
  async #take(entries: readonly DecodedEntry[]): Promise<Taken> {
    const { tags, redis, window } = this.#parts;
    await tags.ensure(topicsOf(entries));
    if (this.#stamp(entries)) await this.#checkpoint();
    const strayAcks = await findStrayAcks(redis, entries);
    const written: Written[] = [];
    const arrivals: number[] = [];
    let messages = 0;
    for (const entry of entries) {
      const known = withoutStrangers(entry.decoded, (id) => this.#state.devices.get(id)?.gone === true);
      known.forEach((decoded, i) => {
        this.#account(strayAcks.get(decoded) ?? decoded, { entryId: entry.id, i }, written);
      });
      messages += entry.messages;
      const [first] = entry.decoded;
      if (entry.messages > 0 && first !== undefined) arrivals.push(arrivalOf(first));
    }
    const cursor = entries.at(-1)?.id ?? this.#state.cursor;
    window.pass(cursor);
    return { written, arrivals, messages, cursor };
  }

  async #write({ written, arrivals, messages, cursor }: Taken, abort: AbortSignal): Promise<void> {
    const { sink, metrics, clock, redis, lease } = this.#parts;
    if (written.length > 0) await noteWriting(redis, lease, cursor);
    const refused = await sink.write(
      written.map(({ line }) => line),
      abort,
    );
    for (const { index, why } of refused) {
      const item = written[index];
      if (item === undefined) continue;
      item.entry[item.countedAs]--;
      this.#state.totals[item.countedAs]--;
      this.#quarantine(item, { reason: 'influx_refused', detail: why });
    }
    const now = clock.now();
    for (const at of arrivals) metrics.storedSeconds.observe(clock.wallMs(now - at) / 1000);
    this.#state.settled += messages;
    this.#state.cursor = cursor;
    this.#unsaved = true;
    metrics.written.inc(written.length - refused.length);
    if (this.#quarantined.length >= mostQuarantined) await this.#checkpoint();
  }

  /**
   * Settles the tags of the devices that have something to write; true when that needs a checkpoint. While that is
   * gone through which may have been written before, nobody moves or leaves.
   */
  #stamp(entries: readonly DecodedEntry[]): boolean {
    const mayMove = compareIds(entries[0]?.id ?? logStart, this.#state.end) > 0;
    const { tags } = this.#parts;
    let changed = false;
    for (const topic of topicsOf(entries)) {
      let entry = this.#state.devices.get(topic.device);
      entry ??= this.#entryOf(topic.device);
      if (!entry.stamp(topic, tags.isRegistered(topic.device) ? tags.get(topic) : undefined, mayMove))
        continue;
      this.#changed.add(topic.device);
      changed = true;
    }
    return changed;
  }

  #account(decoded: Decoded, place: Place, written: Written[]): void {
    if (decoded.kind === 'presence' || decoded.kind === 'tick' || decoded.kind === 'opened') return;
    const { source } = decoded;
    const { message } = source;
    const { totals } = this.#state;
    const count = source.indexes?.length ?? 1;
    const replayed = message.replayed === true;
    if (replayed) this.#takeBack(message);
    if (decoded.kind === 'nothing') {
      this.#parts.metrics.nothing.inc({ profile: decoded.profile });
      return;
    }
    const subject: Subject = decoded.topic ?? { device: message.client };
    const entry = this.#entryOf(subject.device);
    const accounted = { entry, subject, source, place };
    entry.received += count;
    totals.received += count;
    const gapsBefore = entry.gaps;
    if (decoded.kind === 'rejection' && decoded.numbers !== undefined) {
      this.#accountMany(accounted, decoded, decoded.numbers);
      totals.gaps += entry.gaps - gapsBefore;
      return;
    }
    const surplus = decoded.kind === 'rejection' ? undefined : findSurplus(decoded, entry);
    const verdict = firstOrRepeat(decoded, entry, surplus !== undefined);
    totals.gaps += entry.gaps - gapsBefore;
    const isRepeat = (verdict === 'duplicate' || verdict === 'known') && !replayed;
    if (isRepeat) {
      entry.duplicates++;
      totals.duplicates++;
      // Its time is forgotten: if it isn't the repeat that it seems to be, it must not be lost.
      if (verdict === 'known' && decoded.kind === 'reading')
        this.#addLines(accounted, decoded, written, 'duplicates');
    } else if (decoded.kind === 'rejection') {
      this.#quarantine(accounted, decoded.rejection);
    } else if (surplus !== undefined) {
      this.#quarantine(accounted, surplus);
    } else if (verdict === 'same_timestamp' && !replayed) {
      const detail = `another ${decoded.kind === 'reading' ? 'reading' : 'event'} of the device has the same ts, and one would overwrite the other`;
      this.#quarantine(accounted, { reason: verdict, detail });
    } else {
      entry.written++;
      totals.written++;
      this.#addLines(accounted, decoded, written, 'written');
    }
  }

  /** Elements rejected together: those that are repeats are counted as such, the others kept as one item. */
  #accountMany(
    accounted: Accounted,
    { source, rejection }: DecodedRejection,
    numbers: readonly (RefusedNumber | undefined)[],
  ): void {
    const { entry } = accounted;
    const replayed = source.message.replayed === true;
    const isNew = numbers.map((number) => number === undefined || entry.seen.mark(number));
    const indexes = (source.indexes ?? []).filter((_, i) => replayed || isNew[i]);
    const repeats = numbers.length - indexes.length;
    entry.duplicates += repeats;
    this.#state.totals.duplicates += repeats;
    if (indexes.length > 0) this.#quarantine({ ...accounted, source: { ...source, indexes } }, rejection);
  }

  /**
   * What comes out of the quarantine was received and quarantined before; what it becomes now, which may be more
   * or less, is counted in place of that, in the entry that a vendor's message names.
   */
  #takeBack(message: MessageRecord): void {
    if (this.#takenBack.has(message)) return;
    this.#takenBack.add(message);
    const count = message.held ?? 1;
    const entry = this.#entryOf(message.origin?.countedAs ?? message.client);
    const { totals } = this.#state;
    entry.received -= count;
    entry.quarantined -= count;
    totals.received -= count;
    totals.quarantined -= count;
  }

  #addLines(
    from: Accounted,
    decoded: DecodedReading | DecodedNotice,
    written: Written[],
    countedAs: Written['countedAs'],
  ): void {
    const { entry } = from;
    const tags = entry.tags ?? this.#parts.tags.get(decoded.topic);
    if (decoded.ignored !== undefined)
      this.#parts.metrics.countIgnored(from.source.message.origin?.profile ?? 'campus', decoded.ignored);
    if (decoded.kind === 'notice') {
      const { notice } = decoded;
      // State, meta and answers to commands are the twins' (twins.ts).
      if (notice.stream === 'event') written.push({ ...from, line: eventLine(notice, tags), countedAs });
      return;
    }
    if (decoded.late && countedAs === 'written') {
      entry.late++;
      this.#state.totals.late++;
    }
    written.push({ ...from, line: readingLines(decoded.reading, tags), countedAs });
  }

  #entryOf(device: string): LedgerEntry {
    this.#changed.add(device);
    let entry = this.#state.devices.get(device);
    if (entry === undefined) this.#state.devices.set(device, (entry = new LedgerEntry()));
    return entry;
  }

  #quarantine({ entry, subject, source, place }: Accounted, rejection: Rejection): void {
    const { reason } = rejection;
    const count = source.indexes?.length ?? 1;
    entry.quarantined += count;
    this.#state.totals.quarantined += count;
    this.#state.reasons[reason] = (this.#state.reasons[reason] ?? 0) + count;
    this.#quarantined.push({ id: streamId(place), item: toQuarantine(source, subject, rejection) });
    this.#parts.metrics.quarantined.inc({ reason }, count);
  }

  async #chooseExpired(): Promise<readonly OldItem[]> {
    const { redis, lease, quarantine } = this.#parts;
    if (excessOf(this.#state.held, quarantine) === undefined) return [];
    // Replays may have made room since the last checkpoint.
    this.#state.held = await readHeld(redis, lease.shard);
    const excess = excessOf(this.#state.held, quarantine);
    return excess === undefined ? [] : readOldest(redis, lease.shard, excess);
  }

  /** Moves what expires in the ledger; with -1, back. */
  #countExpired(items: readonly OldItem[], sign: 1 | -1): void {
    const { totals, expired } = this.#state;
    for (const { device, reason, count } of items) {
      for (const counts of [this.#entryOf(device), totals]) {
        counts.quarantined -= sign * count;
        counts.expired += sign * count;
      }
      expired[reason] = (expired[reason] ?? 0) + sign * count;
    }
  }

  async #checkpointIfDue(idle: boolean): Promise<void> {
    const sinceMs = performance.now() - this.#checkpointAt;
    if (this.#unsaved && (sinceMs >= checkpointMs || (idle && sinceMs >= idleCheckpointMs)))
      await this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    const { redis, lease, quarantine, metrics } = this.#parts;
    let expired: readonly OldItem[];
    for (let attempt = 1; ; attempt++) {
      expired = attempt < mostAttempts ? await this.#chooseExpired() : [];
      this.#countExpired(expired, 1);
      const changes = { devices: this.#changed, quarantined: this.#quarantined };
      const ids = expired.map(({ id }) => id);
      if (await saveStoreState(redis, lease, this.#state, { ...changes, expired: ids })) break;
      this.#countExpired(expired, -1);
    }
    for (const { reason, count } of expired) metrics.expired.inc({ reason }, count);
    this.#changed = new Set();
    this.#quarantined = [];
    this.#checkpointAt = performance.now();
    // What was added only now may be too much, or it was too much for one checkpoint.
    this.#unsaved = excessOf(this.#state.held, quarantine) !== undefined;
    await this.#parts.onCheckpoint(this.#state.cursor);
  }
}

/** Whether it is the first time that we see this, as far as its sequence number or time tells. */
function firstOrRepeat(
  decoded: DecodedReading | DecodedNotice | DecodedRejection,
  entry: LedgerEntry,
  refused: boolean,
): Verdict {
  if (decoded.kind === 'reading' && !refused) return entry.seen.see(decoded.reading);
  if (decoded.kind === 'notice') {
    return decoded.notice.stream === 'event' && !refused ? entry.events.see(decoded.notice) : 'new';
  }
  const number = decoded.kind === 'reading' ? numberOf(decoded.reading) : decoded.number;
  return number === undefined || entry.seen.mark(number) ? 'new' : 'duplicate';
}

function numberOf({ boot = '', seq, ts }: Reading): RefusedNumber | undefined {
  return seq === undefined ? undefined : { boot, seq, ts, plausible: true };
}

/** Why the device may not have the series that this would begin. */
function findSurplus(decoded: DecodedReading | DecodedNotice, entry: LedgerEntry): Rejection | undefined {
  let series: readonly string[] = [];
  if (decoded.kind === 'notice') {
    if (decoded.notice.stream === 'event') series = [`event ${decoded.notice.type}`];
  } else if (decoded.reading.parts !== undefined) {
    series = Object.keys(decoded.reading.parts).map((part) => `part ${part}`);
  }
  if (entry.admits(series)) return undefined;
  const detail = `the device has more than ${mostSeries} parts and types of events`;
  return { reason: 'too_many_series', detail };
}

/** A stream id for what is at a place in the log: grows as the log does, and is the same after a replay. */
function streamId({ entryId, i }: Place): string {
  const [ms = '0', seq = '0'] = entryId.split('-');
  // No entry has as many things in it, nor a millisecond a million entries: the product stays exact.
  return `${ms}-${Number(seq) * 1_000_000_000 + i + 1}`;
}

function arrivalOf(decoded: Decoded): number {
  return 'source' in decoded ? decoded.source.message.arrivedAt : decoded.arrivedAt;
}

function* topicsOf(entries: readonly DecodedEntry[]): Generator<DeviceTopic> {
  for (const { decoded } of entries) {
    for (const item of decoded) if (item.kind === 'reading' || item.kind === 'notice') yield item.topic;
  }
}

/** Cuts entries behind the one with the id `end`, and into runs of about `lines` lines; an entry is never cut. */
function cutIntoBatches(
  entries: readonly DecodedEntry[],
  lines: number,
  end: string,
): (readonly DecodedEntry[])[] {
  const batches: (readonly DecodedEntry[])[] = [];
  let start = 0;
  let count = 0;
  for (let i = 0; i < entries.length; i++) {
    count += entries[i]?.decoded.length ?? 0;
    if (count >= lines || i === entries.length - 1 || entries[i]?.id === end) {
      batches.push(entries.slice(start, i + 1));
      start = i + 1;
      count = 0;
    }
  }
  return batches;
}
