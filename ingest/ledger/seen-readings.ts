import type { MetricValue, Reading } from '../../devices/telemetry.js';
import { BootReadings } from './boot-readings.js';
import type { BootState } from './boot-readings.js';
import { OlderReadings } from './older-readings.js';
import type { OlderState } from './older-readings.js';
import { contentOf, hashOf, namesMask } from './content.js';

/** Runs remembered per device: a backlog may come from before the last restart or two. */
const bootsKept = 4;
/** Unnumbered readings remembered per device one by one, to know them when they are sent again. */
const unnumberedKept = 32;
/** What is older than this beside the newest is no longer judged, so that it may come again. */
const judgedMs = 900_000;

/**
 * The state of `SeenReadings` as JSON: runs (last used last), gaps of forgotten ones; of unnumbered readings the
 * last times with a hash of their content and a mask of its names, the newest time, and what that holds.
 */
export interface SeenState {
  readonly boots?: readonly BootState[] | undefined;
  readonly gaps?: number | undefined;
  readonly plain?: readonly Unnumbered[] | undefined;
  readonly older?: OlderState | undefined;
  readonly newest?: number | undefined;
  readonly holds?: Readonly<Record<string, MetricValue>> | undefined;
}

type Unnumbered = readonly [ts: number, hash: number, names: number];

/** As much of a reading as tells it from others. */
type SeenReading = Pick<Reading, 'ts' | 'seq' | 'boot' | 'parts'> & { readonly m?: Reading['m'] };

/** What is known of a reading that was not good. */
export interface RefusedNumber {
  readonly boot: string;
  readonly seq: number;
  readonly ts?: number | undefined;
  /** The time may be true; otherwise it only tells this reading from others. */
  readonly plausible?: boolean | undefined;
}

/**
 * `new`; `duplicate`: device, run, number and time (without a number: time and content) were here; `known`: the
 * number was, so long ago that its time is forgotten, and most likely this is a repeat; `same_timestamp`: it is
 * new but has the time of another one, so that in InfluxDB it would overwrite that.
 */
export type Verdict = 'new' | 'duplicate' | 'known' | 'same_timestamp';

/**
 * Which readings of one device were seen, whatever the order of arrival. Exact for a device whose numbers and
 * times grow together in each of its runs, also when it counts from zero again without a new boot id. Of any
 * other no reading is taken for a repeat unless its time agrees, as far as times are remembered (the last 32 of a
 * run); what comes later than that and is `known` is to be written again, for then nothing is lost.
 */
export class SeenReadings {
  readonly #boots: BootReadings[];
  #olderGaps: number;
  readonly #unnumbered: Unnumbered[];
  readonly #older: OlderReadings;
  /** No remembered time is later: what is newer needs no look. */
  #newestTs: number;
  #newestHolds: Map<string, MetricValue> | undefined;
  /** The newest time of an unnumbered reading. */
  #holdsTs: number;
  /** Kept up to date, since it is asked for with every reading. */
  #missing: number;

  constructor(state: SeenState = {}) {
    this.#boots = (state.boots ?? []).map((boot) => BootReadings.restore(boot));
    this.#olderGaps = state.gaps ?? 0;
    this.#unnumbered = [...(state.plain ?? [])];
    this.#older = new OlderReadings(state.older);
    this.#newestTs = state.newest ?? -Infinity;
    this.#newestHolds = state.holds === undefined ? undefined : new Map(Object.entries(state.holds));
    this.#holdsTs = this.#unnumbered.reduce((newest, [ts]) => Math.max(newest, ts), -Infinity);
    this.#missing = this.#countMissing();
  }

  /** Says whether a reading is new, and remembers it. */
  see(reading: SeenReading): Verdict {
    const { ts, seq, boot = '' } = reading;
    if (seq === undefined) return this.#seeUnnumbered(reading);
    const isNewest = ts > this.#newestTs;
    if (isNewest) this.#newestTs = ts;
    const last = this.#boots.at(-1);
    if (isNewest && last?.id === boot && last.addNext(seq, ts)) return 'new';
    return this.#seeNumbered(boot, seq, ts, true);
  }

  /** Remembers a reading that came but was not good; false when it is a repeat. */
  mark({ boot, seq, ts, plausible }: RefusedNumber): boolean {
    if (ts !== undefined && plausible === true) {
      const verdict = this.#seeNumbered(boot, seq, ts, false);
      if (ts > this.#newestTs) this.#newestTs = ts;
      return verdict === 'new' || verdict === 'same_timestamp';
    }
    if (ts !== undefined && this.#look(boot, seq, ts, false) === 'same') return false;
    let home = this.#boots.findLast(({ id }) => id === boot);
    if (home !== undefined) home.addNumber(seq);
    else if (ts !== undefined) home = this.#begin(boot, seq, ts);
    if (ts !== undefined) {
      home?.noteRefused(seq, ts);
      if (ts > this.#newestTs) this.#newestTs = ts;
    }
    this.#missing = this.#countMissing();
    return true;
  }

  /** Sequence numbers missing between the first and the last seen of each run. */
  get missing(): number {
    return this.#missing;
  }

  toJSON(): SeenState {
    return {
      boots: this.#boots.length === 0 ? undefined : this.#boots.map((boot) => boot.toJSON()),
      gaps: this.#olderGaps === 0 ? undefined : this.#olderGaps,
      plain: this.#unnumbered.length === 0 ? undefined : this.#unnumbered,
      older: this.#older.toJSON(),
      newest: Number.isFinite(this.#newestTs) ? this.#newestTs : undefined,
      holds: this.#newestHolds === undefined ? undefined : Object.fromEntries(this.#newestHolds),
    };
  }

  #seeNumbered(boot: string, seq: number, ts: number, good: boolean): Verdict {
    const found = this.#look(boot, seq, ts, good);
    if (found === 'same') return 'duplicate';
    const stored = good && found === undefined;
    const home = this.#homeOf(boot, seq, ts);
    const remembered = home === undefined ? 'new' : home.add(seq, ts, stored);
    if (home === undefined) this.#begin(boot, seq, ts).add(seq, ts, stored);
    this.#missing = this.#countMissing();
    if (good && found === 'taken') return 'same_timestamp';
    return remembered === 'known' ? 'known' : 'new';
  }

  /** What is known of a time among all that this device sent. */
  #look(boot: string, seq: number | undefined, ts: number, stored: boolean): 'same' | 'taken' | undefined {
    if (ts > this.#newestTs) return undefined;
    let taken = this.#unnumbered.some(([other, , names]) => other === ts && names !== 0);
    for (const run of this.#boots) {
      const found = run.look(run.id === boot ? seq : undefined, ts, stored);
      if (found === 'same') return found;
      if (found === 'taken') taken = true;
    }
    return taken ? 'taken' : undefined;
  }

  /** The run that the reading is of, made the last used; undefined when it begins one. */
  #homeOf(boot: string, seq: number, ts: number): BootReadings | undefined {
    const own = this.#boots.filter(({ id }) => id === boot).sort((a, b) => b.topTs - a.topTs);
    const home =
      own.find((run) => run.fits(seq, ts)) ?? (own[0]?.continues(seq, ts) === true ? own[0] : undefined);
    if (home !== undefined && home !== this.#boots.at(-1)) {
      this.#boots.splice(this.#boots.indexOf(home), 1);
      this.#boots.push(home);
    }
    return home;
  }

  #begin(boot: string, seq: number, ts: number): BootReadings {
    const run = BootReadings.start(boot, seq, ts);
    this.#boots.push(run);
    if (this.#boots.length > bootsKept) this.#olderGaps += this.#boots.shift()?.gaps ?? 0;
    return run;
  }

  /**
   * Without a number, time and content tell two readings apart: many dialects send each metric of a time in a
   * message of its own. Of a time that is not the newest only the names of its metrics are remembered, so there
   * the same name again counts as a contradiction.
   */
  #seeUnnumbered(reading: SeenReading): Verdict {
    const { ts } = reading;
    const content = contentOf(reading);
    const hash = hashOf(content);
    const names = namesMask(content);
    const ofTime = this.#unnumbered.filter(([seenTs]) => seenTs === ts);
    if (ofTime.some(([, seenHash]) => seenHash === hash)) return 'duplicate';
    if (this.#older.has(ts, hash)) return 'known';
    const holds = ts === this.#holdsTs ? this.#newestHolds : undefined;
    const contradicts =
      this.#boots.some((run) => run.look(undefined, ts, false) === 'taken') ||
      (holds === undefined
        ? ofTime.some(([, , seenNames]) => (seenNames & names) !== 0)
        : content.some(([name, value]) => (holds.get(name) ?? value) !== value));
    if (!contradicts) {
      if (holds !== undefined) for (const [name, value] of content) holds.set(name, value);
      else if (ts > this.#holdsTs) {
        this.#holdsTs = ts;
        this.#newestHolds = new Map(content);
      }
      if (ts > this.#newestTs) this.#newestTs = ts;
    }
    this.#unnumbered.push([ts, hash, contradicts ? 0 : names]);
    const oldest = this.#unnumbered.length > unnumberedKept ? this.#unnumbered.shift() : undefined;
    if (oldest !== undefined) this.#older.add(oldest[0], oldest[1], this.#newestTs - judgedMs);
    return contradicts ? 'same_timestamp' : 'new';
  }

  #countMissing(): number {
    return this.#boots.reduce((sum, boot) => sum + boot.gaps, this.#olderGaps);
  }
}
