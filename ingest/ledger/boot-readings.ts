/**
 * The state of `BootReadings` as JSON: boot id; time and number of the first and of the highest reading; gaps
 * below the ranges that are kept; the ranges; and the last readings, each time and code as the difference from
 * the one before.
 */
export type BootState = readonly [
  id: string,
  firstTs: number,
  firstSeq: number,
  topTs: number,
  topSeq: number,
  forgottenGaps: number,
  ranges: readonly number[],
  recent: readonly number[],
];

/** Ranges remembered per boot; each costs two numbers, and a healthy device needs one. */
const rangesKept = 64;
/** Readings of which time and number are remembered. */
const recentKept = 32;

/** How a reading was remembered: `other` has a number that another reading had, `known` most likely was here. */
export type Remembered = 'new' | 'other' | 'known';

/**
 * The readings of one run of a device, from its start to its end: numbers as sorted, disjoint, inclusive ranges,
 * and of the last few their times too. A device that loses nothing has one range.
 */
export class BootReadings {
  readonly id: string;
  #firstTs: number;
  #firstSeq: number;
  #topTs: number;
  #topSeq: number;
  #forgottenGaps: number;
  readonly #ranges: number[];
  /** Pairs of time and code: the number of what was stored, -1 minus the number of what was not. */
  readonly #recent: number[];

  private constructor(state: BootState) {
    [this.id, this.#firstTs, this.#firstSeq, this.#topTs, this.#topSeq, this.#forgottenGaps] = state;
    this.#ranges = [...state[6]];
    this.#recent = [...state[7]];
    for (let i = 2; i < this.#recent.length; i++) this.#recent[i] = this.#at2(i) + this.#at2(i - 2);
  }

  static start(id: string, seq: number, ts: number): BootReadings {
    return new BootReadings([id, ts, seq, ts, seq, 0, [seq, seq], []]);
  }

  static restore(state: BootState): BootReadings {
    return new BootReadings(state);
  }

  toJSON(): BootState {
    const recent = this.#recent.map((value, i) => (i < 2 ? value : value - (this.#recent[i - 2] as number)));
    const first = [this.#firstTs, this.#firstSeq, this.#topTs, this.#topSeq, this.#forgottenGaps] as const;
    return [this.id, ...first, this.#ranges, recent];
  }

  get topTs(): number {
    return this.#topTs;
  }

  /** Numbers missing between the first and the highest. */
  get gaps(): number {
    let gaps = this.#forgottenGaps;
    for (let i = 2; i < this.#ranges.length; i += 2) gaps += this.#at(i) - this.#at(i - 1) - 1;
    return gaps;
  }

  /** The common case: adds the reading when it is the very next. */
  addNext(seq: number, ts: number): boolean {
    if (seq !== this.#topSeq + 1 || ts < this.#topTs) return false;
    this.#ranges[this.#ranges.length - 1] = this.#topSeq = seq;
    this.#topTs = ts;
    this.#remember(ts, seq);
    return true;
  }

  /** Whether the reading can be of this run, in which numbers and times grow together. */
  fits(seq: number, ts: number): boolean {
    if (seq > this.#topSeq) return ts >= this.#topTs;
    if (seq < this.#firstSeq) return ts <= this.#firstTs;
    return ts >= this.#firstTs && ts <= this.#topTs;
  }

  /** Whether it can be of this run if the device's clock was set back meanwhile. */
  continues(seq: number, ts: number): boolean {
    return seq > this.#topSeq && ts >= this.#firstTs;
  }

  /** Remembers a reading, by its number and time; `stored` when its point is written. */
  add(seq: number, ts: number, stored: boolean): Remembered {
    const isOther = this.#recent.some((code, i) => i % 2 === 1 && (code === seq || code === -1 - seq));
    const isNew = this.addNumber(seq);
    if (seq === this.#topSeq) this.#topTs = ts;
    if (seq <= this.#firstSeq) {
      this.#firstSeq = seq;
      this.#firstTs = ts;
    }
    this.#remember(ts, stored ? seq : -1 - seq);
    return isNew ? 'new' : isOther ? 'other' : 'known';
  }

  /** Remembers a number whose time says nothing; false when it was there. */
  addNumber(seq: number): boolean {
    const isNew = this.#insert(seq);
    if (seq > this.#topSeq) this.#topSeq = seq;
    return isNew;
  }

  /** Remembers a pair of which the number alone is in the ranges. */
  noteRefused(seq: number, ts: number): void {
    this.#remember(ts, -1 - seq);
  }

  /**
   * What is known of a time: that this very number had it (`same`; it counts as stored from now on if `stored`),
   * that a stored reading of another number has it (`taken`), or nothing.
   */
  look(seq: number | undefined, ts: number, stored: boolean): 'same' | 'taken' | undefined {
    let taken = false;
    for (let i = 0; i < this.#recent.length; i += 2) {
      if (this.#recent[i] !== ts) continue;
      const code = this.#at2(i + 1);
      if (seq !== undefined && (code === seq || code === -1 - seq)) {
        if (stored) this.#recent[i + 1] = seq;
        return 'same';
      }
      if (code >= 0) taken = true;
    }
    return taken ? 'taken' : undefined;
  }

  #remember(ts: number, code: number): void {
    if (this.#recent.length >= 2 * recentKept) {
      this.#recent.shift();
      this.#recent.shift();
    }
    this.#recent.push(ts, code);
  }

  #at(i: number): number {
    return this.#ranges[i] as number;
  }

  #at2(i: number): number {
    return this.#recent[i] as number;
  }

  /** Adds a number to the ranges; false when it is in one of them. */
  #insert(seq: number): boolean {
    const ranges = this.#ranges;
    // `lo` is the first range whose end is not before seq - 1: it holds or touches seq, or follows.
    let lo = 0;
    while (lo < ranges.length && this.#at(lo + 1) < seq - 1) lo += 2;
    if (lo >= ranges.length || seq < this.#at(lo) - 1) {
      ranges.splice(lo, 0, seq, seq);
      // Forgetting the lowest range lets a very late repeat through, which InfluxDB absorbs.
      if (ranges.length > 2 * rangesKept) {
        this.#forgottenGaps += this.#at(2) - this.#at(1) - 1;
        ranges.splice(0, 2);
      }
      return true;
    }
    if (seq >= this.#at(lo) && seq <= this.#at(lo + 1)) return false;
    if (seq < this.#at(lo)) ranges[lo] = seq;
    else {
      ranges[lo + 1] = seq;
      if (lo + 2 < ranges.length && this.#at(lo + 2) === seq + 1) ranges.splice(lo + 1, 2);
    }
    return true;
  }
}
