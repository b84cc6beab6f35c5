import type { DeviceTopic } from '../devices/topic.js';
import type { Clock } from '../runtime/clock.js';
import { cutIntoBatches } from './cut-into-batches.js';
import { compareIds, entryTime, logStart } from './log/log.js';
import type { QuarantineSize } from './quarantine/retention.js';
import { loadStoreState, noteWriting } from './redis-store-checkpoint.js';
import type { StoreState } from './redis-store-checkpoint.js';
import { findStrayAcks } from './redis-stray-acks.js';
import { Settlement } from './settlement.js';
import type { Written } from './settlement.js';
import type { DecodedEntry, WindowReader } from './shard-window.js';
import type { Sink } from './sinks/influx-sink.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import type { Decoded } from './stages/decoded.js';
import { withoutStrangers } from './stages/unregistered.js';
import type { StopSignals } from './stop-signals.js';
import { idleCheckpointMs, StoreCheckpoint } from './store-checkpoint.js';
import type { CheckpointParts } from './store-checkpoint.js';

const mostQuarantined = 500;

export interface StoreParts extends CheckpointParts {
  readonly window: WindowReader;
  readonly sink: Sink;
  readonly tags: DeviceTagBook;
  readonly batchLines: number;
  readonly clock: Clock;
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
  readonly #settlement: Settlement;
  readonly #checkpoint: StoreCheckpoint;
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: StoreParts, state: StoreState) {
    this.#parts = parts;
    this.#state = state;
    this.#settlement = new Settlement(state, parts);
    this.#checkpoint = new StoreCheckpoint(state, this.#settlement, parts);
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
      await this.#checkpoint.saveIfDue(entries.length === 0);
    }
    if (this.#checkpoint.isDirty && !signals.abort.aborted) await this.#checkpoint.save();
  }

  async #settle(batches: (readonly DecodedEntry[])[], abort: AbortSignal): Promise<void> {
    // Nothing here holds on to the batch: while InfluxDB takes its time, only what was made of it is wanted.
    while (batches.length > 0) await this.#write(await this.#take(batches.shift() ?? []), abort);
  }

  /** Accounts for all that is in a batch; the window may let go of it. */
  async #take(entries: readonly DecodedEntry[]): Promise<Taken> {
    const { tags, redis, window } = this.#parts;
    await tags.ensure(topicsOf(entries));
    // While that is gone through which may have been written before, nobody moves or leaves.
    const mayMove = compareIds(entries[0]?.id ?? logStart, this.#state.end) > 0;
    if (this.#settlement.stamp(topicsOf(entries), mayMove)) await this.#checkpoint.save();
    const strayAcks = await findStrayAcks(redis, entries);
    const written: Written[] = [];
    const arrivals: number[] = [];
    let messages = 0;
    for (const entry of entries) {
      const known = withoutStrangers(entry.decoded, (device) => this.#settlement.isGone(device));
      known.forEach((decoded, i) => {
        this.#settlement.account(strayAcks.get(decoded) ?? decoded, { entryId: entry.id, i }, written);
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
      if (item !== undefined) this.#settlement.refuse(item, why);
    }
    const now = clock.now();
    for (const at of arrivals) metrics.storedSeconds.observe(clock.wallMs(now - at) / 1000);
    this.#state.settled += messages;
    this.#state.cursor = cursor;
    this.#checkpoint.touch();
    metrics.written.inc(written.length - refused.length);
    if (this.#settlement.unsaved.quarantined.length >= mostQuarantined) await this.#checkpoint.save();
  }
}

function arrivalOf(decoded: Decoded): number {
  return 'source' in decoded ? decoded.source.message.arrivedAt : decoded.arrivedAt;
}

function* topicsOf(entries: readonly DecodedEntry[]): Generator<DeviceTopic> {
  for (const { decoded } of entries) {
    for (const item of decoded) if (item.kind === 'reading' || item.kind === 'notice') yield item.topic;
  }
}
