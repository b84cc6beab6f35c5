import { SeenReadings } from './seen-readings.js';
import type { SeenState } from './seen-readings.js';

/**
 * What became of everything a device sent, as far as it is settled. Always
 * received = written + quarantined + duplicates.
 */
export interface LedgerCounts {
  /** Readings (each element of a backlog array is one) and other messages of the device. */
  readonly received: number;
  /** Confirmed by InfluxDB, or kept with the device (state, meta). */
  readonly written: number;
  readonly quarantined: number;
  /** Sent again: same device, boot and seq. */
  readonly duplicates: number;
  /** Sequence numbers that never came, between ones that did. */
  readonly gaps: number;
  /** Older on arrival than the lateness limit; they are among the written. */
  readonly late: number;
}

interface LedgerState extends Omit<LedgerCounts, 'gaps'> {
  readonly seen: SeenState;
}

/** A device's ledger while it is being written; its JSON is what is kept in Redis. */
export class LedgerEntry {
  readonly seen: SeenReadings;
  received: number;
  written: number;
  quarantined: number;
  duplicates: number;
  late: number;

  constructor(state?: LedgerState) {
    this.seen = new SeenReadings(state?.seen);
    this.received = state?.received ?? 0;
    this.written = state?.written ?? 0;
    this.quarantined = state?.quarantined ?? 0;
    this.duplicates = state?.duplicates ?? 0;
    this.late = state?.late ?? 0;
  }

  get gaps(): number {
    return this.seen.missing;
  }

  toJSON(): LedgerState {
    const { received, written, quarantined, duplicates, late, seen } = this;
    return { received, written, quarantined, duplicates, late, seen: seen.toJSON() };
  }
}

/** The counts in a device's record as kept in Redis. */
export function readCounts(json: string): LedgerCounts {
  const entry = new LedgerEntry(JSON.parse(json) as LedgerState);
  const { received, written, quarantined, duplicates, gaps, late } = entry;
  return { received, written, quarantined, duplicates, gaps, late };
}
