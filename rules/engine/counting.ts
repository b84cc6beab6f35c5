import { intervalOf } from '../device-ref.js';
import type { Trait } from '../expression/plan.js';
import type { DeviceState } from './state.js';
import type { Viewpoint } from './viewpoint.js';

/** A device of which nothing new was read for this many intervals, and at least for the time below, may be anything. */
const intervalsCounted = 3;
const leastCountedMs = 900_000;

/** Told of a device that came into a condition that groups count (by its place), or out of it. */
type Counted = (state: DeviceState, place: number, holds: boolean) => void;

/**
 * Looks whether devices are in the conditions that groups count: the device itself, or any of its parts. What is unknown
 * leaves it counted as it was, but nobody counts for long who reports nothing.
 */
export class Counting {
  readonly #viewpoint: Viewpoint;
  readonly #counted: Counted;

  constructor(viewpoint: Viewpoint, counted: Counted) {
    this.#viewpoint = viewpoint;
    this.#counted = counted;
  }

  /** After a reading or an event of the device. */
  reading(state: DeviceState): void {
    const { traits, awakeTraits } = state.program;
    if (traits.length === 0) return;
    this.#viewpoint.see(state, state, undefined);
    const own = awakeTraits(state.layout, state.layout);
    for (let i = 0; i < own.length; i++) {
      const place = own[i] as number;
      this.#count(state, place, this.#test(traits[place] as Trait, place, state));
    }
    if (state.parts.size === 0) return;
    // Those that only parts have what they need for.
    for (const [, part] of state.parts) {
      for (const place of awakeTraits(part.layout, state.layout))
        if (!own.includes(place)) this.#count(state, place, this.#test(traits[place] as Trait, place, state));
    }
  }

  /**
   * When time has come to `at`, the clock of the device to the sight's: what is about silence, and what the device is
   * counted in.
   * @param silenceS seconds of silence; NaN where it may not be its own
   */
  tick(state: DeviceState, at: number, silenceS: number): void {
    const { traits } = state.program;
    const { sight } = this.#viewpoint;
    this.#viewpoint.see(state, state, undefined);
    const deviceAt = sight.at;
    const isStale =
      at - state.newestAt - state.lagMs >
      Math.max(leastCountedMs, intervalsCounted * 1000 * intervalOf(state.device));
    for (let place = 0; place < traits.length; place++) {
      const trait = traits[place] as Trait;
      const isCounted = state.traits[place] === true;
      if (!trait.movedBy.ticks && !isCounted) continue;
      sight.at = trait.isAboutSilence ? at : deviceAt;
      sight.silenceS = trait.isAboutSilence ? silenceS : 0;
      const holds = this.#test(trait, place, state);
      this.#count(state, place, holds ?? (isStale && !trait.isAboutSilence ? false : undefined));
    }
    sight.at = deviceAt;
    sight.silenceS = 0;
  }

  #count(state: DeviceState, place: number, holds: boolean | undefined): void {
    if (holds !== undefined && holds !== (state.traits[place] ?? false)) this.#counted(state, place, holds);
  }

  /** The sight is turned to the device, and is again afterwards. */
  #test(trait: Trait, place: number, state: DeviceState): boolean | undefined {
    const { sight } = this.#viewpoint;
    let holds = trait.test(sight);
    if (holds === true || state.parts.size === 0) return holds;
    let isTurned = false;
    for (const [part, subject] of state.parts) {
      // A part that has nothing of its own to say is as its device.
      const isAwake = state.program.awakeTraits(subject.layout, state.layout).includes(place);
      if (!isAwake && subject.alarms.length === 0) continue;
      this.#viewpoint.see(state, subject, part);
      isTurned = true;
      const ofPart = trait.test(sight);
      if (ofPart === true) holds = true;
      else holds ??= ofPart;
      if (holds === true) break;
    }
    if (isTurned) this.#viewpoint.see(state, state, undefined);
    return holds;
  }
}
