import type { MetricValue } from '../../devices/telemetry.js';
import type { Memory } from '../expression/memory.js';
import type { Metrics } from '../expression/sight.js';
import type { Program } from './program.js';
import type { DeviceState } from './state.js';
import { Subject } from './state.js';
import type { Viewpoint } from './viewpoint.js';

/** No device of ours has more parts than this; a faulty one must not fill the memory with made-up names. */
const mostParts = 64;

/** Takes readings and events into what is remembered of devices and their parts. */
export class Remembering {
  readonly #viewpoint: Viewpoint;
  /** By the places of the rules: in which turn a metric that the rule is about was last reported. */
  #concerned = new Uint32Array(0);
  #turn = 0;

  constructor(viewpoint: Viewpoint) {
    this.#viewpoint = viewpoint;
  }

  /** Takes the metrics that the device, or a part of it, reports. The sight is at their time, and stays at the subject. */
  reading(
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
    metrics: Metrics,
    deviceMetrics: Metrics,
  ): void {
    const { sight } = this.#viewpoint;
    this.#viewpoint.see(state, subject, part, metrics);
    sight.deviceMetrics = deviceMetrics;
    sight.slowChanged = false;
    const { memories, concerns, mixedMemories, rules } = state.program;
    this.#begin(rules.length);
    for (const name in metrics) {
      const concern = concerns.get(name);
      if (concern === undefined) continue;
      const { memories: places, rules: concerned } = concern;
      for (let i = 0; i < places.length; i++) {
        const place = places[i] as number;
        const memory = memories[place] as Memory;
        this.#take(memory, place, subject, numberOf(metrics[name], memory));
      }
      if (part === undefined) continue;
      for (let i = 0; i < concerned.length; i++) this.#concerned[concerned[i] as number] = this.#turn;
    }
    for (let i = 0; i < mixedMemories.length; i++) {
      const place = mixedMemories[i] as number;
      const memory = memories[place] as Memory;
      if (reports(metrics, memory.metrics)) this.#take(memory, place, subject, NaN);
    }
    state.slowChanged ||= sight.slowChanged;
    state.waits ||= isWaiting(state.program, subject);
  }

  /** Whether what was just taken in is about a metric of the rule at this place. */
  concerns(place: number): boolean {
    return this.#concerned[place] === this.#turn;
  }

  /** Takes the event that the sight shows. */
  event(state: DeviceState): void {
    const { memories } = state.program;
    for (let place = 0; place < memories.length; place++) {
      const memory = memories[place] as Memory;
      if (memory.onEvents) this.#take(memory, place, state, NaN);
    }
    state.waits ||= isWaiting(state.program, state);
  }

  #begin(rules: number): void {
    if (this.#concerned.length < rules || this.#turn === 0xffffffff) {
      this.#concerned = new Uint32Array(rules);
      this.#turn = 0;
    }
    this.#turn++;
  }

  /** Puts what the sight shows into a memory of the subject, which the sight is turned to. */
  #take(memory: Memory, place: number, subject: Subject, value: number): void {
    const { sight } = this.#viewpoint;
    let { starts, sizes } = subject.layout;
    let start = starts[place] as number;
    while (start < 0 || !memory.take(subject.cells, start, sizes[place] as number, value, sight)) {
      subject.grow(place);
      ({ starts, sizes } = subject.layout);
      start = starts[place] as number;
      sight.cells = subject.cells;
      sight.starts = starts;
      if (sight.part === undefined) {
        sight.deviceCells = subject.cells;
        sight.deviceStarts = starts;
      }
    }
  }
}

/** The part of that name; undefined where the device has too many already. */
export function partOf(state: DeviceState, part: string): Subject | undefined {
  let subject = state.parts.get(part);
  if (subject === undefined && state.parts.size < mostParts) {
    subject = new Subject(state.program);
    state.parts.set(part, subject);
  }
  return subject;
}

/** Whether the device or a part of it waits for something, so that the passing of time alone can raise an alarm. */
export function waits(state: DeviceState): boolean {
  const { program } = state;
  if (isWaiting(program, state)) return true;
  for (const [, subject] of state.parts) if (isWaiting(program, subject)) return true;
  return false;
}

/** Whether anything is waited for in one of these memories. */
export function isWaiting(program: Program, { cells, layout }: Subject, places = program.waiting): boolean {
  for (let i = 0; i < places.length; i++) {
    const place = places[i] as number;
    const start = layout.starts[place] as number;
    if (start >= 0 && program.memories[place]?.isWaiting?.(cells, start) === true) return true;
  }
  return false;
}

/** A value of a reading as the memory takes it; NaN where that is none of its metric. */
function numberOf(value: MetricValue | undefined, { words }: Memory): number {
  if (typeof value === 'number') return words === undefined ? value : NaN;
  return value === undefined || words === undefined ? NaN : words.indexOf(value);
}

/** Whether a reading has any of these. */
export function reports(metrics: Metrics, names: readonly string[]): boolean {
  for (let i = 0; i < names.length; i++) if (metrics[names[i] as string] !== undefined) return true;
  return false;
}
