import type { DeviceTopic } from '../../devices/topic.js';
import { createTags } from '../sinks/device-tags.js';
import type { DeviceTags } from '../sinks/device-tags.js';
import { RecentEvents } from './recent-events.js';
import { SeenReadings } from './seen-readings.js';
import type { SeenState } from './seen-readings.js';

/**
 * What became of everything a device sent, as far as it is settled. Always
 * received = written + quarantined + expired + duplicates.
 */
export interface LedgerCounts {
  /** Readings (each element of a backlog array is one) and other messages of the device. */
  readonly received: number;
  /** Confirmed by InfluxDB, or kept with the device (state, meta). */
  readonly written: number;
  /** In quarantine now. */
  readonly quarantined: number;
  /** Were in quarantine, until newer ones needed the room. */
  readonly expired: number;
  /** Sent again: same device, boot, seq and ts. */
  readonly duplicates: number;
  /** Sequence numbers that never came, between ones that did. */
  readonly gaps: number;
  /** Older on arrival than the lateness limit; they are among the written. */
  readonly late: number;
}

/** Nothing counted yet; the keys are all the counts there are. */
export const noCounts: LedgerCounts = {
  received: 0,
  written: 0,
  quarantined: 0,
  expired: 0,
  duplicates: 0,
  gaps: 0,
  late: 0,
};

export const countNames = Object.keys(noCounts) as readonly (keyof LedgerCounts)[];

interface LedgerState extends Omit<LedgerCounts, 'gaps' | 'expired'> {
  readonly expired?: number | undefined;
  readonly seen: SeenState;
  readonly events?: readonly number[] | undefined;
  readonly series?: readonly string[] | undefined;
  readonly place?: readonly [district: string, room: string] | undefined;
  readonly gone?: boolean | undefined;
}

/** Parts and event types of one device: each is a series in InfluxDB, and made-up names must not fill it. */
export const mostSeries = 64;

/** A device's ledger while it is being written; its JSON is what is kept in Redis. */
export class LedgerEntry {
  readonly seen: SeenReadings;
  readonly events: RecentEvents;
  readonly #series: Set<string>;
  #place: readonly [district: string, room: string] | undefined;
  #tags: DeviceTags | undefined;
  /** What the registry says, whether or not it is stamped yet. */
  #registered: DeviceTags | undefined;
  #moves = false;
  #gone: boolean;
  received: number;
  written: number;
  quarantined: number;
  expired: number;
  duplicates: number;
  late: number;

  constructor(state?: LedgerState) {
    this.seen = new SeenReadings(state?.seen);
    this.events = new RecentEvents(state?.events);
    this.#series = new Set(state?.series);
    this.#place = state?.place;
    this.#gone = state?.gone ?? false;
    this.received = state?.received ?? 0;
    this.written = state?.written ?? 0;
    this.quarantined = state?.quarantined ?? 0;
    this.expired = state?.expired ?? 0;
    this.duplicates = state?.duplicates ?? 0;
    this.late = state?.late ?? 0;
  }

  get gaps(): number {
    return this.seen.missing;
  }

  /**
   * Settles under which tags the device's points are written, or that none are, because it is not registered. A point
   * must have the same tags when it is written again after a crash, so this is kept with the checkpoint and changes
   * only where `mayMove`.
   * @param registered undefined when the device is not registered
   * @returns true when they changed: a checkpoint must come before the first point with them
   */
  stamp(topic: DeviceTopic, registered: DeviceTags | undefined, mayMove: boolean): boolean {
    if (registered === undefined) return this.#leave(topic, mayMove);
    if (this.#gone && !mayMove) return false;
    const returns = this.#gone;
    this.#gone = false;
    if (registered === this.#registered && !(this.#moves && mayMove)) return returns;
    this.#registered = registered;
    const [district, room] = this.#place ?? [];
    const moved = district !== registered.district || room !== registered.room;
    this.#moves = moved && this.#place !== undefined && !mayMove;
    if (this.#moves) this.#tags = createTags(topic, district ?? '', room ?? '');
    else {
      this.#place = [registered.district, registered.room];
      this.#tags = registered;
    }
    return returns || (moved && !this.#moves);
  }

  #leave(topic: DeviceTopic, mayMove: boolean): boolean {
    this.#registered = undefined;
    if (this.#gone) return false;
    if (this.#place !== undefined && !mayMove) {
      this.#tags ??= createTags(topic, ...this.#place);
      return false;
    }
    this.#gone = true;
    return true;
  }

  /** Whether `stamp` settled that the device is not registered. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The tags that `stamp` settled. */
  get tags(): DeviceTags | undefined {
    return this.#tags;
  }

  /** Whether the device may have these series, known ones and as many new ones as there is room for. */
  admits(series: readonly string[]): boolean {
    for (const name of series) {
      if (this.#series.size >= mostSeries && !this.#series.has(name)) return false;
      this.#series.add(name);
    }
    return true;
  }

  toJSON(): LedgerState {
    const { received, written, quarantined, expired, duplicates, late, seen, events } = this;
    return {
      received,
      written,
      quarantined,
      expired: expired === 0 ? undefined : expired,
      duplicates,
      late,
      seen: seen.toJSON(),
      events: events.toJSON(),
      series: this.#series.size === 0 ? undefined : [...this.#series],
      place: this.#place,
      gone: this.#gone ? true : undefined,
    };
  }
}

/** The counts in a device's record as kept in Redis. */
export function readCounts(json: string): LedgerCounts {
  const entry = new LedgerEntry(JSON.parse(json) as LedgerState);
  const { received, written, quarantined, expired, duplicates, gaps, late } = entry;
  return { received, written, quarantined, expired, duplicates, gaps, late };
}
