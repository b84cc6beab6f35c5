import type { Rejection } from '../devices/telemetry.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { findSurplus, firstOrRepeat } from './ledger/first-or-repeat.js';
import { LedgerEntry } from './ledger/ledger-entry.js';
import type { RefusedNumber } from './ledger/seen-readings.js';
import type { MessageRecord } from './log/frame.js';
import { toQuarantine } from './quarantine/quarantine.js';
import type { Quarantined, Subject } from './quarantine/quarantine.js';
import type { OldItem } from './quarantine/redis-retention.js';
import type { StoreChanges, StoreState } from './redis-store-checkpoint.js';
import { eventLine, readingLines } from './sinks/line-protocol.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded, DecodedNotice, DecodedReading, DecodedRejection, Source } from './stages/decoded.js';

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
export interface Written extends Accounted {
  readonly line: string;
  readonly countedAs: 'written' | 'duplicates';
}

/**
 * Settles everything that is in a shard's log, in memory: as written, duplicate or quarantined, in the ledger of its
 * device and in the totals. What has changed since it was last saved is at hand for the next checkpoint.
 */
export class Settlement {
  readonly #state: StoreState;
  readonly #tags: DeviceTagBook;
  readonly #metrics: IngestMetrics;
  #changed = new Set<string>();
  #quarantined: { id: string; item: Quarantined }[] = [];
  readonly #takenBack = new WeakSet<MessageRecord>();

  constructor(state: StoreState, parts: { readonly tags: DeviceTagBook; readonly metrics: IngestMetrics }) {
    this.#state = state;
    this.#tags = parts.tags;
    this.#metrics = parts.metrics;
  }

  /** What a checkpoint has to save. */
  get unsaved(): Pick<StoreChanges, 'devices' | 'quarantined'> {
    return { devices: this.#changed, quarantined: this.#quarantined };
  }

  /** A checkpoint has saved it. */
  saved(): void {
    this.#changed = new Set();
    this.#quarantined = [];
  }

  /** Whether `stamp` settled that the device is not registered. */
  isGone(device: string): boolean {
    return this.#state.devices.get(device)?.gone === true;
  }

  /**
   * Settles the tags of the devices that have something to write; true when that needs a checkpoint. Only where
   * `mayMove` may a device be written elsewhere than before, or no more.
   */
  stamp(topics: Iterable<DeviceTopic>, mayMove: boolean): boolean {
    let changed = false;
    for (const topic of topics) {
      let entry = this.#state.devices.get(topic.device);
      entry ??= this.#entryOf(topic.device);
      const registered = this.#tags.isRegistered(topic.device) ? this.#tags.get(topic) : undefined;
      if (!entry.stamp(topic, registered, mayMove)) continue;
      this.#changed.add(topic.device);
      changed = true;
    }
    return changed;
  }

  /** Settles one thing of the log; what it gives InfluxDB to write goes to the end of `written`. */
  account(decoded: Decoded, place: Place, written: Written[]): void {
    if (!('source' in decoded)) return;
    const { source } = decoded;
    const { message } = source;
    const { totals } = this.#state;
    const count = source.indexes?.length ?? 1;
    const replayed = message.replayed === true;
    if (replayed) this.#takeBack(message);
    if (decoded.kind === 'nothing') {
      this.#metrics.nothing.inc({ profile: decoded.profile });
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
    const tags = entry.tags ?? this.#tags.get(decoded.topic);
    if (decoded.ignored !== undefined)
      this.#metrics.countIgnored(from.source.message.origin?.profile ?? 'campus', decoded.ignored);
    // A repeat that comes later doesn't make late what was in time.
    const late = decoded.late && countedAs === 'written';
    if (decoded.kind === 'notice') {
      const { notice } = decoded;
      // State, meta and answers to commands are the twins' (twins.ts).
      if (notice.stream === 'event')
        written.push({ ...from, line: eventLine(notice, tags, late), countedAs });
      return;
    }
    if (late) {
      entry.late++;
      this.#state.totals.late++;
    }
    written.push({ ...from, line: readingLines(decoded.reading, tags, late), countedAs });
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
    this.#metrics.quarantined.inc({ reason }, count);
  }

  /** What was to be written and InfluxDB does not take. */
  refuse(item: Written, why: string): void {
    item.entry[item.countedAs]--;
    this.#state.totals[item.countedAs]--;
    this.#quarantine(item, { reason: 'influx_refused', detail: why });
  }

  /** Moves what expires in the ledger; with -1, back. */
  countExpired(items: readonly OldItem[], sign: 1 | -1): void {
    const { totals, expired } = this.#state;
    for (const { device, reason, count } of items) {
      for (const counts of [this.#entryOf(device), totals]) {
        counts.quarantined -= sign * count;
        counts.expired += sign * count;
      }
      expired[reason] = (expired[reason] ?? 0) + sign * count;
    }
  }
}

/** A stream id for what is at a place in the log: grows as the log does, and is the same after a replay. */
function streamId({ entryId, i }: Place): string {
  const [ms = '0', seq = '0'] = entryId.split('-');
  // No entry has as many things in it, nor a millisecond a million entries: the product stays exact.
  return `${ms}-${Number(seq) * 1_000_000_000 + i + 1}`;
}
