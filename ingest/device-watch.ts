import type { EventType } from '../devices/event-type.js';

/** From when on a clock is wrong, design values: nothing honest comes from ahead; what is behind may be a slow way. */
const aheadMs = 60_000;
const behindMs = 300_000;
/** A clock is judged over two stretches of arrivals, each of so long and so many at least. */
const stretchMs = 300_000;
const fewest = 3;
/** By how much the least lag of the two may differ where it is a clock's: a backlog catches up by more. */
const steadyMs = 20_000;
/** A trouble that lasts is told again so often. */
const clockToldMs = 300_000;
const refusedToldMs = 60_000;

/** The state of `DeviceWatch` as JSON; nothing while all is well. */
export interface WatchState {
  readonly run?: ClockRun | undefined;
  readonly clockToldAt?: number | undefined;
  readonly refusedToldAt?: number | undefined;
}

/** Readings that all came with a time far from their arrival. */
interface ClockRun {
  readonly isAhead: boolean;
  /** Of the stretch that is being measured: its first and last arrival, how many there were, the least lag. */
  readonly from: number;
  readonly last: number;
  readonly count: number;
  readonly leastMs: number;
  /** The least lag of the stretch before. */
  readonly beforeMs?: number | undefined;
  readonly isWrong: boolean;
}

/**
 * Finds out of one device, from what arrives of it, that its clock is wrong and that its readings are refused, and
 * names these as events for the rules. A clock that is wrong shows as a lag that is far out and steady. A backlog
 * after an outage catches up, and what is live between it has no lag, so that neither is taken for a wrong clock.
 */
export class DeviceWatch {
  #run: ClockRun | undefined;
  #clockToldAt: number | undefined;
  #refusedToldAt: number | undefined;

  constructor(state: WatchState = {}) {
    this.#run = state.run;
    this.#clockToldAt = state.clockToldAt;
    this.#refusedToldAt = state.refusedToldAt;
  }

  /** Takes a reading that arrived at `at`, `lagMs` after its own time. @returns an event, where there is one to tell */
  clock(lagMs: number, at: number): EventType | undefined {
    if (lagMs >= -aheadMs && lagMs <= behindMs) {
      this.#run = undefined;
      return undefined;
    }
    const isAhead = lagMs < 0;
    const run = this.#run;
    if (run?.isAhead !== isAhead) this.#run = begin(isAhead, lagMs, at);
    else if (at - run.from < stretchMs || run.count < fewest) {
      const count = run.count + (at === run.last ? 0 : 1);
      this.#run = { ...run, last: at, count, leastMs: Math.min(run.leastMs, lagMs) };
    } else {
      const isWrong = run.beforeMs !== undefined && Math.abs(run.leastMs - run.beforeMs) <= steadyMs;
      this.#run = { ...begin(isAhead, lagMs, at), beforeMs: run.leastMs, isWrong };
    }
    if (!this.#run.isWrong || at - (this.#clockToldAt ?? -Infinity) < clockToldMs) return undefined;
    this.#clockToldAt = at;
    return isAhead ? 'clock_ahead' : 'clock_behind';
  }

  /** A reading that arrived at `at` was refused. @returns an event, where it is to be told */
  refused(at: number): EventType | undefined {
    if (at - (this.#refusedToldAt ?? -Infinity) < refusedToldMs) return undefined;
    this.#refusedToldAt = at;
    return 'reading_refused';
  }

  /** The state; undefined while there is nothing. */
  toJSON(): WatchState | undefined {
    const [run, clockToldAt, refusedToldAt] = [this.#run, this.#clockToldAt, this.#refusedToldAt];
    if (run === undefined && clockToldAt === undefined && refusedToldAt === undefined) return undefined;
    return { run, clockToldAt, refusedToldAt };
  }
}

function begin(isAhead: boolean, leastMs: number, at: number): ClockRun {
  return { isAhead, from: at, last: at, count: 1, leastMs, isWrong: false };
}
