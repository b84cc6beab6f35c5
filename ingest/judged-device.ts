import type { DeviceTopic } from '../devices/topic.js';
import type { DeviceRef } from '../rules/engine/device-state.js';
import { SeenReadings } from './ledger/seen-readings.js';
import type { SeenState } from './ledger/seen-readings.js';

/** The judge's own memory of a device as JSON. */
export interface JudgedState {
  readonly seen: SeenState;
  /** Seconds between its reports, once it has said so. */
  readonly interval?: number | undefined;
}

/** What the judge itself remembers of a device, beside what the engine does. */
export class JudgedDevice {
  readonly seen: SeenReadings;
  #intervalS: number | undefined;
  #ref: DeviceRef | undefined;

  constructor(state?: JudgedState) {
    this.seen = new SeenReadings(state?.seen);
    this.#intervalS = state?.interval;
  }

  /** The device said in its `meta` how often it reports. */
  reportsEvery(seconds: number): void {
    this.#intervalS = seconds;
    this.#ref = undefined;
  }

  /** The device as the engine wants to know it; made once, since it is asked for with every reading. */
  ref(topic: DeviceTopic): DeviceRef {
    if (this.#ref?.site !== topic.site || this.#ref.deviceClass !== topic.deviceClass) {
      const { device: id, site, deviceClass } = topic;
      this.#ref = { id, site, deviceClass, intervalS: this.#intervalS };
    }
    return this.#ref;
  }

  toJSON(): JudgedState {
    return { seen: this.seen.toJSON(), interval: this.#intervalS };
  }
}
