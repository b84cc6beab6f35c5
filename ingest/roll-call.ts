import { judgePresence } from '../devices/presence.js';
import type { DoorFacts, PresenceChange, PresenceVerdict, Way } from '../devices/presence.js';
import { createAttendee } from './attendee.js';
import type { Attendee } from './attendee.js';

const defaultIntervalS = 60;
/** Devices above each other that are looked at. */
const mostLevels = 8;

export interface RollCallParts {
  /** All that are known, by device. */
  readonly devices: ReadonlyMap<
    string,
    { readonly attendee: Attendee; readonly intervalS?: number | undefined }
  >;
  /** Bridges by the name that they have in the log. */
  readonly bridges: Map<string, Attendee>;
  readonly register: { find(id: string): { readonly parentId: string | undefined } | undefined };
  readonly door: Omit<DoorFacts, 'openedAt'>;
  /** Seconds between two signs of life of a bridge, pipeline time. */
  readonly bridgeIntervalS: number;
  /** Told of each device whose verdict changed, before the change is returned. */
  readonly onVerdict: (device: string, verdict: PresenceVerdict, at: number) => void;
}

/**
 * Who is there among the devices of a shard: takes what the log tells of each, and judges all of them with every
 * tick, parents before children. It has no clock and does no I/O: the same log gives the same changes.
 */
export class RollCall {
  readonly #parts: RollCallParts;
  readonly #door: { -readonly [Key in keyof DoorFacts]: DoorFacts[Key] };
  #changes: PresenceChange[] = [];
  #round = 0;

  constructor(parts: RollCallParts, openedAt = -Infinity) {
    this.#parts = parts;
    this.#door = { ...parts.door, openedAt };
  }

  /** Since when our front door listens. */
  get openedAt(): number {
    return this.#door.openedAt;
  }

  opened(at: number): void {
    this.#door.openedAt = Math.max(this.#door.openedAt, at);
  }

  /** Something came from the device. @param via the bridge that it came through */
  heard(device: string, at: number, asleep: boolean, via: string | undefined): void {
    const attendee = this.#parts.devices.get(device)?.attendee;
    if (attendee === undefined) return;
    attendee.asleep = asleep;
    attendee.saidOfflineAt = undefined;
    attendee.via = via;
    // Of a bridge that came for a moment only, what came through it is all that the log has.
    if (via !== undefined && !this.#parts.bridges.has(via)) this.bridge(via, undefined, at);
    this.#isThere(device, attendee, at);
  }

  /** The device, or its Will, said that it goes. */
  saidOffline(device: string, at: number): void {
    const attendee = this.#parts.devices.get(device)?.attendee;
    if (attendee === undefined) return;
    attendee.saidOfflineAt ??= at;
    attendee.asleep = false;
  }

  /** The broker saw the device come or go. Coming doesn't wake it: what it said may be in the log before that. */
  connection(device: string, connected: boolean, at: number): void {
    const attendee = this.#parts.devices.get(device)?.attendee;
    if (attendee === undefined) return;
    attendee.connected = connected;
    attendee.connectionAt = at;
    if (!connected) return;
    attendee.saidOfflineAt = undefined;
    this.#isThere(device, attendee, at);
  }

  /**
   * A sign of life of a bridge: whether the other broker's messages reach us.
   * @param connected undefined where that is not told, but something came through it
   */
  bridge(name: string, connected: boolean | undefined, at: number): void {
    const { bridges } = this.#parts;
    let attendee = bridges.get(name);
    if (attendee === undefined) bridges.set(name, (attendee = createAttendee()));
    if (attendee.connected !== connected) attendee.connectionAt = at;
    attendee.connected = connected;
    if (connected === false) {
      attendee.saidOfflineAt ??= at;
      return;
    }
    attendee.saidOfflineAt = undefined;
    attendee.heardAt = Math.max(attendee.heardAt, at);
    if (attendee.state !== 'online') [attendee.state, attendee.since] = ['online', at];
  }

  /** Pipeline time has come to `at`: judges everybody. */
  tick(at: number): void {
    const { devices, bridges, bridgeIntervalS } = this.#parts;
    for (const attendee of bridges.values()) {
      const { state } = judgePresence(factsOf(attendee, bridgeIntervalS), [], this.#door, at);
      if (state !== attendee.state) [attendee.state, attendee.since] = [state, at];
    }
    const before = this.#changes.length;
    this.#round++;
    for (const id of devices.keys()) this.#judge(id, at, 0);
    // In an order that doesn't depend on the one in which the devices came to be known.
    const found = this.#changes.splice(before).sort((a, b) => (a.device < b.device ? -1 : 1));
    this.#changes.push(...found);
  }

  /** What changed since the last call, in order. */
  takeChanges(): readonly PresenceChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #isThere(device: string, attendee: Attendee, at: number): void {
    attendee.heardAt = Math.max(attendee.heardAt, at);
    const state = attendee.asleep ? 'sleeping' : 'online';
    if (attendee.state !== state || attendee.excused)
      this.#decide(device, attendee, { state, excused: false }, at);
  }

  #judge(id: string, at: number, level: number): void {
    const device = this.#parts.devices.get(id);
    if (device === undefined || device.attendee.judgedIn === this.#round) return;
    const { attendee, intervalS = defaultIntervalS } = device;
    // Before its parents: in a circle each is judged once.
    attendee.judgedIn = this.#round;
    const parent = this.#parts.register.find(id)?.parentId;
    if (parent !== undefined && level < mostLevels) this.#judge(parent, at, level + 1);
    const facts = factsOf(attendee, intervalS);
    let verdict = judgePresence(facts, noWays, this.#door, at);
    // Nobody who is heard needs to have its ways looked at.
    if (verdict.excused || (verdict.state !== 'online' && verdict.state !== 'sleeping'))
      verdict = judgePresence(facts, this.#waysOf(id, attendee), this.#door, at);
    if (verdict.state !== attendee.state || verdict.excused !== attendee.excused)
      this.#decide(id, attendee, verdict, at);
  }

  #decide(device: string, attendee: Attendee, verdict: PresenceVerdict, at: number): void {
    const from = attendee.state;
    attendee.excused = verdict.excused;
    if (from !== verdict.state) {
      attendee.state = verdict.state;
      attendee.since = at;
      this.#changes.push({ device, from, to: verdict.state, at });
    }
    this.#parts.onVerdict(device, verdict, at);
  }

  /** The bridge it is heard through, and the nearest device above it of which anything is known. */
  #waysOf(id: string, { via }: Attendee): readonly Way[] {
    const { devices, bridges, register } = this.#parts;
    const ways: Way[] = [];
    const bridge = via === undefined ? undefined : bridges.get(via);
    if (isTelling(bridge)) ways.push(bridge);
    let above = register.find(id)?.parentId;
    for (let level = 0; above !== undefined && level < mostLevels; level++) {
      const attendee = devices.get(above)?.attendee;
      if (isTelling(attendee)) {
        ways.push(attendee);
        break;
      }
      above = register.find(above)?.parentId;
    }
    return ways;
  }
}

const noWays: readonly Way[] = [];

/** Whether its state says something of what is behind it: not of one that sleeps, nor of one never heard. */
function isTelling(attendee: Attendee | undefined): attendee is Attendee & Way {
  return (
    attendee !== undefined &&
    attendee.state !== undefined &&
    attendee.state !== 'sleeping' &&
    attendee.heardAt !== -Infinity
  );
}

function factsOf(attendee: Attendee, intervalS: number) {
  const { connected, connectionAt, heardAt, asleep, saidOfflineAt, state } = attendee;
  return { connected, connectionAt, heardAt, asleep, saidOfflineAt, intervalS, state };
}
