/** One boot of a device: its id and the sequence numbers seen, as sorted, disjoint, inclusive ranges. */
type Boot = [boot: string, ...ranges: number[]];

/** Boots remembered per device: a backlog may come from before the last restart or two. */
const bootsKept = 3;
/** Ranges remembered per boot; each costs two numbers, and a healthy device needs one. */
const rangesKept = 64;

/** The state of `SeenReadings` as JSON: boots (newest last), newest time, its number, gaps of older boots. */
export interface SeenState {
  readonly b: readonly (readonly [string, ...number[]])[];
  readonly t: number;
  readonly n: number;
  readonly g: number;
}

/**
 * Which readings of one device were seen: exact, whatever the order of arrival, because sequence numbers
 * are kept as ranges; small, because a device that loses nothing has one range.
 */
export class SeenReadings {
  #boots: Boot[];
  #newestTs: number;
  #newestSeq: number;
  #olderGaps: number;
  /** Kept up to date, since it is asked for with every reading. */
  #missing: number;

  constructor(state: SeenState = { b: [], t: 0, n: -1, g: 0 }) {
    this.#boots = state.b.map((boot) => [...boot]);
    this.#newestTs = state.t;
    this.#newestSeq = state.n;
    this.#olderGaps = state.g;
    this.#missing = this.#countMissing();
  }

  /**
   * Says whether a reading is new, and remembers it. `same_timestamp`: it is new but has the time of the
   * one before it, so that in InfluxDB it would overwrite that one.
   */
  see(reading: {
    readonly ts: number;
    readonly seq?: number | undefined;
    readonly boot?: string | undefined;
  }): 'new' | 'duplicate' | 'same_timestamp' {
    const { ts, seq, boot = '' } = reading;
    if (seq === undefined) {
      // Without a number the time is all there is to tell two readings apart.
      if (ts === this.#newestTs) return 'duplicate';
      if (ts > this.#newestTs) this.#newest(ts, -1);
      return 'new';
    }
    if (!this.#add(boot, seq)) return 'duplicate';
    if (ts === this.#newestTs && seq !== this.#newestSeq) return 'same_timestamp';
    if (ts > this.#newestTs) this.#newest(ts, seq);
    return 'new';
  }

  /** Remembers the number of a reading that came but was not good; false when it is a repeat. */
  mark(boot: string, seq: number): boolean {
    return this.#add(boot, seq);
  }

  /** Sequence numbers missing between the first and the last seen of each boot. */
  get missing(): number {
    return this.#missing;
  }

  toJSON(): SeenState {
    return { b: this.#boots, t: this.#newestTs, n: this.#newestSeq, g: this.#olderGaps };
  }

  #newest(ts: number, seq: number): void {
    this.#newestTs = ts;
    this.#newestSeq = seq;
  }

  #add(bootId: string, seq: number): boolean {
    let boot = this.#boots.at(-1);
    if (boot?.[0] !== bootId) {
      boot = this.#boots.find(([id]) => id === bootId);
      if (boot === undefined) {
        this.#boots.push([bootId, seq, seq]);
        const forgotten = this.#boots.length > bootsKept ? this.#boots.shift() : undefined;
        if (forgotten !== undefined) this.#olderGaps += gapsIn(forgotten);
        return true;
      }
    }
    const last = boot.length - 1;
    if (seq === (boot[last] as number) + 1) {
      boot[last] = seq; // the common case: one more than the last
      return true;
    }
    const isNew = insert(boot, seq);
    if (isNew) this.#missing = this.#countMissing();
    return isNew;
  }

  #countMissing(): number {
    return this.#boots.reduce((sum, boot) => sum + gapsIn(boot), this.#olderGaps);
  }
}

function gapsIn(boot: Boot): number {
  let gaps = 0;
  for (let i = 3; i < boot.length; i += 2) gaps += (boot[i] as number) - (boot[i - 1] as number) - 1;
  return gaps;
}

/** Adds a number to the sorted ranges of a boot; false when it is in one of them. */
function insert(boot: Boot, seq: number): boolean {
  const at = (i: number) => boot[i] as number;
  // `lo` is the index of the first range whose end is not before seq - 1: it holds or touches seq, or follows.
  let lo = 1;
  while (lo < boot.length && at(lo + 1) < seq - 1) lo += 2;
  if (lo >= boot.length || seq < at(lo) - 1) {
    boot.splice(lo, 0, seq, seq);
    // Forgetting the lowest range lets a very late repeat through, which InfluxDB absorbs; a reading is never lost.
    if (boot.length > 1 + 2 * rangesKept) boot.splice(1, 2);
    return true;
  }
  if (seq >= at(lo) && seq <= at(lo + 1)) return false;
  if (seq < at(lo)) boot[lo] = seq;
  else {
    boot[lo + 1] = seq;
    if (lo + 2 < boot.length && at(lo + 2) === seq + 1) boot.splice(lo + 1, 2);
  }
  return true;
}
