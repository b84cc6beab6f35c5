import type { MetricValue, Reading } from '../../devices/telemetry.js';

/** One boot of a device: its id and the sequence numbers seen, as sorted, disjoint, inclusive ranges. */
type Boot = [boot: string, ...ranges: number[]];

/** Boots remembered per device: a backlog may come from before the last restart or two. */
const bootsKept = 3;
/** Ranges remembered per boot; each costs two numbers, and a healthy device needs one. */
const rangesKept = 64;

/** Unnumbered readings remembered per device, to know them when they are sent again. */
const unnumberedKept = 32;

/**
 * The state of `SeenReadings` as JSON: boots (newest last), newest time, its number, gaps of older boots; of
 * unnumbered readings the last times with a hash of their content, and what the newest time holds.
 */
export interface SeenState {
  readonly b: readonly (readonly [string, ...number[]])[];
  readonly t: number;
  readonly n: number;
  readonly g: number;
  readonly r?: readonly (readonly [number, number])[] | undefined;
  readonly w?: Readonly<Record<string, MetricValue>> | undefined;
}

/** As much of a reading as tells it from others. */
type SeenReading = Pick<Reading, 'ts' | 'seq' | 'boot' | 'parts'> & { readonly m?: Reading['m'] };

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
  #unnumbered: (readonly [ts: number, hash: number])[];
  #newestHolds: Map<string, MetricValue> | undefined;

  constructor(state: SeenState = { b: [], t: 0, n: -1, g: 0 }) {
    this.#boots = state.b.map((boot) => [...boot]);
    this.#newestTs = state.t;
    this.#newestSeq = state.n;
    this.#olderGaps = state.g;
    this.#missing = this.#countMissing();
    this.#unnumbered = [...(state.r ?? [])];
    this.#newestHolds = state.w === undefined ? undefined : new Map(Object.entries(state.w));
  }

  /**
   * Says whether a reading is new, and remembers it. `same_timestamp`: it is new but has the time of the
   * one before it, so that in InfluxDB it would overwrite that one.
   */
  see(reading: SeenReading): 'new' | 'duplicate' | 'same_timestamp' {
    const { ts, seq, boot = '' } = reading;
    if (seq === undefined) return this.#seeUnnumbered(reading);
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
    return {
      b: this.#boots,
      t: this.#newestTs,
      n: this.#newestSeq,
      g: this.#olderGaps,
      r: this.#unnumbered.length === 0 ? undefined : this.#unnumbered,
      w: this.#newestHolds === undefined ? undefined : Object.fromEntries(this.#newestHolds),
    };
  }

  /**
   * Without a number, time and content tell two readings apart: many dialects send each metric of a time in a
   * message of its own.
   */
  #seeUnnumbered(reading: SeenReading): 'new' | 'duplicate' | 'same_timestamp' {
    const { ts } = reading;
    const content = contentOf(reading);
    const hash = hashOf(content);
    if (this.#unnumbered.some(([seenTs, seenHash]) => seenTs === ts && seenHash === hash)) return 'duplicate';
    if (ts === this.#newestTs) {
      const holds = this.#newestHolds;
      if (holds === undefined) return 'duplicate';
      if (content.some(([name, value]) => (holds.get(name) ?? value) !== value)) return 'same_timestamp';
      for (const [name, value] of content) holds.set(name, value);
    } else if (ts > this.#newestTs) {
      this.#newest(ts, -1);
      this.#newestHolds = new Map(content);
    }
    this.#unnumbered.push([ts, hash]);
    if (this.#unnumbered.length > unnumberedKept) this.#unnumbered.shift();
    return 'new';
  }

  #newest(ts: number, seq: number): void {
    this.#newestTs = ts;
    this.#newestSeq = seq;
    this.#newestHolds = undefined;
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

function contentOf({ m = {}, parts = {} }: SeenReading): [string, MetricValue][] {
  const own = Object.entries(m);
  for (const [part, metrics] of Object.entries(parts)) {
    for (const [name, value] of Object.entries(metrics)) own.push([`${part}/${name}`, value]);
  }
  return own;
}

/** FNV-1a over the content. */
function hashOf(content: readonly (readonly [string, MetricValue])[]): number {
  const text = content.flat().join(' ');
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
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
