import type { Device } from './device.js';
import type { Room } from './room.js';
import type { Site } from './site.js';
import type { Timetable } from './timetable.js';

/** All that is registered. */
export interface Registry {
  /** By id. */
  readonly sites: ReadonlyMap<string, Site>;
  /** By `roomKey`. */
  readonly rooms: ReadonlyMap<string, Room>;
  /** By site. */
  readonly timetables: ReadonlyMap<string, Timetable>;
  /** By id. */
  readonly devices: ReadonlyMap<string, Device>;
}

export const emptyRegistry: Registry = {
  sites: new Map(),
  rooms: new Map(),
  timetables: new Map(),
  devices: new Map(),
};
