import { longestIntervalS } from '../devices/device.js';
import type { DeviceTopic } from '../devices/topic.js';
import type { DeviceRef } from '../rules/device-ref.js';
import { createAttendee, restoreAttendee, saveAttendee } from './attendee.js';
import type { Attendee, SavedAttendee } from './attendee.js';
import type { RegisteredDevice } from './redis-register.js';
import { DeviceWatch } from './device-watch.js';
import type { WatchState } from './device-watch.js';
import { SeenReadings } from './ledger/seen-readings.js';
import type { SeenState } from './ledger/seen-readings.js';

/** The judge's own memory of a device as JSON. */
export interface JudgedState {
  readonly seen: SeenState;
  /** Seconds between its reports, once it has said so. */
  readonly interval?: number | undefined;
  readonly presence?: SavedAttendee | undefined;
  readonly watch?: WatchState | undefined;
  /** Which of the devices that had the id one after the other it is of. */
  readonly removals?: number | undefined;
}

/** What the judge itself remembers of a device, beside what the engine does. */
export class JudgedDevice {
  readonly seen: SeenReadings;
  readonly attendee: Attendee;
  readonly watch: DeviceWatch;
  #saidIntervalS: number | undefined;
  #registered: RegisteredDevice | undefined;
  #removals: number | undefined;
  #ref: DeviceRef | undefined;

  constructor(state?: JudgedState) {
    this.seen = new SeenReadings(state?.seen);
    this.watch = new DeviceWatch(state?.watch);
    this.attendee = state === undefined ? createAttendee() : restoreAttendee(state.presence);
    // What was kept before there was a longest one is forgotten.
    if ((state?.interval ?? Infinity) <= longestIntervalS) this.#saidIntervalS = state?.interval;
    this.#removals = state?.removals;
  }

  /** Seconds between two of its reports, as it says or as it is registered; undefined where nobody said. */
  get intervalS(): number | undefined {
    return this.#saidIntervalS ?? this.#registered?.intervalS;
  }

  /** The device said in its `meta` how often it reports. */
  reportsEvery(seconds: number): void {
    this.#saidIntervalS = seconds;
    this.#ref = undefined;
  }

  /** What the registry says of it. @returns whether that is something else than before */
  isRegisteredAs(device: RegisteredDevice | undefined): boolean {
    if (device === this.#registered) return false;
    this.#registered = device;
    this.#removals ??= device?.removals;
    this.#ref = undefined;
    return true;
  }

  /** Whether what is remembered is of this device, and not of one that had the id before. */
  isOf({ removals }: RegisteredDevice): boolean {
    return this.#removals === undefined || this.#removals === removals;
  }

  /** The device as the engine wants to know it; made once, since it is asked for with every reading. */
  ref({ device: id, site, deviceClass }: Pick<DeviceTopic, 'device' | 'site' | 'deviceClass'>): DeviceRef {
    if (this.#ref?.site !== site || this.#ref.deviceClass !== deviceClass) {
      const place = this.#registered?.site === site ? this.#registered.place : {};
      this.#ref = { ...place, id, site, deviceClass, intervalS: this.intervalS };
    }
    return this.#ref;
  }

  /** The device as the registry knows it. */
  registeredRef(id: string): DeviceRef | undefined {
    const registered = this.#registered;
    return registered && this.ref({ device: id, site: registered.site, deviceClass: registered.deviceClass });
  }

  toJSON(): JudgedState {
    return {
      seen: this.seen.toJSON(),
      interval: this.#saidIntervalS,
      presence: saveAttendee(this.attendee),
      watch: this.watch.toJSON(),
      removals: this.#removals,
    };
  }
}
