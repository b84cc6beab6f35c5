import type { Calendar } from '../calendar.js';
import { intervalOf } from '../device-ref.js';
import { createSight } from '../expression/sight.js';
import type { Metrics, Sight } from '../expression/sight.js';
import type { DeviceState, GroupState, Subject } from './state.js';

const noMetrics: Metrics = {};

/** A value that was not reported again for this many intervals, and at least for the time below, is no longer known. */
const intervalsKnown = 10;
const leastKnownMs = 3_600_000;

/**
 * Where the engine looks from: it has one sight, which it turns to one device, part or group after another, so that an
 * evaluation allocates nothing.
 */
export class Viewpoint {
  readonly sight: Sight;

  constructor(calendar?: Calendar) {
    this.sight = createSight(calendar);
  }

  /** Turns the sight to a device at a time, as one that is being heard; `see` says what is judged of it. */
  look(state: DeviceState, at: number): Sight {
    const { sight } = this;
    sight.at = at;
    sight.device = state.device;
    sight.groups = state.groups;
    sight.deviceAlarms = state.alarms;
    sight.silenceS = 0;
    sight.presence = state.presence;
    sight.heardUntil = state.newestAt;
    sight.knownMs = Math.max(leastKnownMs, intervalsKnown * 1000 * intervalOf(state.device));
    return sight;
  }

  /** Turns the sight to the device itself, or to a part of it. */
  see(state: DeviceState, subject: Subject, part: string | undefined, metrics: Metrics = noMetrics): void {
    const { sight } = this;
    sight.part = part;
    sight.metrics = metrics;
    sight.cells = subject.cells;
    sight.starts = subject.layout.starts;
    sight.deviceCells = state.cells;
    sight.deviceStarts = state.layout.starts;
    sight.alarms = subject.alarms;
    sight.deviceAlarms = state.alarms;
    if (subject === state) sight.deviceMetrics = metrics;
  }

  /** Turns the sight to a group; whoever is done with it takes the group out again. */
  lookAtGroup(group: GroupState, at: number): Sight {
    const { sight } = this;
    sight.part = undefined;
    const [member] = group.members;
    const { site, deviceClass } = group.ref;
    sight.at = at;
    sight.heardUntil = -Infinity;
    sight.group = group;
    sight.device = {
      id: '',
      site,
      deviceClass,
      stage: member?.device.stage,
      contractedMbps: member?.device.contractedMbps,
    };
    return sight;
  }
}
