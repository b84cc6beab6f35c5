import type { PresenceState } from '../devices/presence.js';

/** What is remembered for the presence of a device, or of a bridge. Times are pipeline time, epoch ms. */
export interface Attendee {
  connected: boolean | undefined;
  connectionAt: number;
  heardAt: number;
  asleep: boolean;
  saidOfflineAt: number | undefined;
  /** The bridge that it was last heard through. */
  via: string | undefined;
  state: PresenceState | undefined;
  since: number;
  excused: boolean;
  /** The last roll call that it was judged in; not kept. */
  judgedIn: number;
}

export function createAttendee(): Attendee {
  return {
    connected: undefined,
    connectionAt: -Infinity,
    heardAt: -Infinity,
    asleep: false,
    saidOfflineAt: undefined,
    via: undefined,
    state: undefined,
    since: -Infinity,
    excused: false,
    judgedIn: 0,
  };
}

/** An attendee as JSON: short names, because there is one for every device of a city. */
export interface SavedAttendee {
  /** heardAt */
  h?: number;
  /** connected, connectionAt */
  c?: [boolean, number];
  /** asleep */
  z?: true;
  /** saidOfflineAt */
  o?: number | undefined;
  /** via */
  v?: string | undefined;
  /** state, since */
  s?: [PresenceState, number];
  /** excused */
  x?: true;
}

export function saveAttendee(attendee: Attendee): SavedAttendee {
  const { heardAt, connected, connectionAt, asleep, saidOfflineAt, via, state, since, excused } = attendee;
  return {
    ...(heardAt === -Infinity ? {} : { h: heardAt }),
    ...(connected === undefined ? {} : { c: [connected, connectionAt] }),
    ...(asleep ? { z: true } : {}),
    o: saidOfflineAt,
    v: via,
    ...(state === undefined ? {} : { s: [state, since] }),
    ...(excused ? { x: true } : {}),
  };
}

/** The inverse of `saveAttendee`. */
export function restoreAttendee(saved: SavedAttendee | undefined): Attendee {
  const attendee = createAttendee();
  if (saved === undefined) return attendee;
  attendee.heardAt = saved.h ?? -Infinity;
  if (saved.c !== undefined) [attendee.connected, attendee.connectionAt] = saved.c;
  attendee.asleep = saved.z ?? false;
  attendee.saidOfflineAt = saved.o;
  attendee.via = saved.v;
  if (saved.s !== undefined) [attendee.state, attendee.since] = saved.s;
  attendee.excused = saved.x ?? false;
  return attendee;
}
