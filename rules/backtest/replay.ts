import type { Transition } from '../alarm.js';
import type { Engine } from '../engine/engine.js';
import { HistoricPresences } from './historic-presences.js';
import type { OnVerdict } from './historic-presences.js';
import { timeOf } from './history.js';
import type { HistoryItem } from './history.js';

/** How often time passes in a replay, ms of the history; alarms about silence are as exact as this. */
export const tickMs = 10_000;

/** Engines that the same history is played to, each with who is told of its transitions. */
export interface Listener {
  readonly engine: Engine;
  readonly onTransitions: (transitions: readonly Transition[]) => void;
}

/** What became of the history so far. */
export interface Progress {
  readonly readings: number;
  readonly events: number;
  /** Readings and events that came later than the lateness limit: stored, as they would be, and judged by nobody. */
  readonly late: number;
}

/**
 * Plays what devices once said to engines, as if it came at its own time: a tick every ten seconds between. What is
 * older than what came before it arrives when that did.
 */
export class Replay {
  readonly #listeners: readonly Listener[];
  readonly #latenessMs: number;
  readonly #presences = new HistoricPresences();
  readonly #onVerdict: OnVerdict;
  #now: number;
  #tickAt: number;
  #readings = 0;
  #events = 0;
  #late = 0;

  /** @param from epoch ms of the first tick, or a little before */
  constructor(listeners: readonly Listener[], from: number, latenessMs: number) {
    this.#listeners = listeners;
    this.#latenessMs = latenessMs;
    this.#now = from;
    this.#tickAt = Math.ceil(from / tickMs) * tickMs;
    for (const { engine } of listeners) engine.opened(from);
    this.#onVerdict = (device, verdict, at) => {
      for (const { engine } of listeners) engine.presence(device, verdict, at);
    };
  }

  get progress(): Progress {
    return { readings: this.#readings, events: this.#events, late: this.#late };
  }

  take(item: HistoryItem): void {
    const at = timeOf(item);
    this.passTo(at);
    const isLate = item.late === true || this.#now - at > this.#latenessMs;
    // What was late then came at a time that nobody knows: it is no sign of life at its own.
    if (item.late !== true) this.#presences.hear(item.device, this.#now, this.#onVerdict);
    if (item.kind === 'reading') this.#readings++;
    else this.#events++;
    if (isLate) this.#late++;
    for (let i = 0; i < this.#listeners.length; i++) {
      const { engine, onTransitions } = this.#listeners[i] as Listener;
      if (item.late === true) continue;
      if (isLate) engine.lastSeen(item.device, this.#now);
      else if (item.kind === 'reading')
        tell(onTransitions, engine.reading(item.device, item.reading, this.#now));
      else tell(onTransitions, engine.event(item.device, item.type, at, this.#now));
    }
  }

  /** Nothing more came before `at`. */
  passTo(at: number): void {
    while (this.#tickAt < at) {
      // Presence first, as in the pipeline: whose silence is not its own fault must be known before it is judged.
      this.#presences.tick(this.#tickAt, this.#onVerdict);
      for (const { engine, onTransitions } of this.#listeners) {
        tell(onTransitions, engine.tick(this.#tickAt));
        // One engine has it all: it is its own only shard.
        const tally = engine.takeTally();
        if (tally !== undefined) tell(onTransitions, engine.tally(0, 1, tally));
      }
      this.#tickAt += tickMs;
    }
    if (at > this.#now) this.#now = at;
  }
}

function tell(onTransitions: Listener['onTransitions'], transitions: readonly Transition[]): void {
  if (transitions.length > 0) onTransitions(transitions);
}
