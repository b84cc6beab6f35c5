import type { Vocabulary } from './words.js';

/**
 * `online`: heard of as often as it reports. `sleeping`: it said so, and is not missed
 * for days. `stale`: connected, but
 * silent. `offline`: gone and missed. `unknown`: missed, but what it is reached through is gone itself; or it
 * was never heard.
 */
export type PresenceState = 'online' | 'sleeping' | 'stale' | 'offline' | 'unknown';

export const presenceWords: Vocabulary<PresenceState> = {
  online: { zh: '在线', en: 'online' },
  sleeping: { zh: '休眠', en: 'sleeping' },
  stale: { zh: '无响应', en: 'not responding' },
  offline: { zh: '离线', en: 'offline' },
  unknown: { zh: '未知', en: 'unknown' },
};

export const presenceStates = Object.keys(presenceWords) as readonly PresenceState[];

/** Whether a device is there, as it is shown. Times are pipeline time, epoch ms. */
export interface Presence {
  readonly state: PresenceState;
  /** When `state` last changed; absent where the device was never heard. */
  readonly since?: number | undefined;
  /** When anything was last seen of it, pings included; absent where never. */
  readonly lastSeenAt?: number | undefined;
  /** Absent where it speaks for itself. */
  readonly through?: HeardThrough | undefined;
}

/** Whom a device is heard through: a bridge of the bridges file, or a bridge account. */
export interface HeardThrough {
  readonly kind: 'bridge' | 'account';
  readonly name: string;
}

/** As the judge keeps it for those who show it. */
export interface KeptPresence {
  readonly state: PresenceState;
  readonly since: number;
  /** When it was last heard; some seconds old at most. */
  readonly lastSeenAt: number;
  /** Absent where it speaks for itself. */
  readonly through?: HeardThrough | undefined;
}

/** The state of a device changed. */
export interface PresenceChange {
  readonly device: string;
  /** Absent where it is the first. */
  readonly from?: PresenceState | undefined;
  readonly to: PresenceState;
  /** Pipeline time, epoch ms. */
  readonly at: number;
}

/** What the log tells of a device. Times are pipeline time, epoch ms. */
export interface PresenceFacts {
  /** By what the broker saw; undefined where it has no connection of its own. */
  readonly connected: boolean | undefined;
  /** When `connected` last changed; -Infinity before. */
  readonly connectionAt: number;
  /** When it was last heard: anything it sent, or that it connected; -Infinity before. */
  readonly heardAt: number;
  /** It said that it sleeps, and nothing since. */
  readonly asleep: boolean;
  /** When it, or its Will, said that it goes, and nothing since. */
  readonly saidOfflineAt: number | undefined;
  /** Seconds between two of its reports. */
  readonly intervalS: number;
  /** The verdict so far; undefined before the first. */
  readonly state: PresenceState | undefined;
}

/** Something that a device is reached through: the nearest device above it of which anything is known, or a bridge. */
export interface Way {
  readonly state: PresenceState;
  readonly since: number;
  readonly heardAt: number;
}

/** Our own front door. */
export interface DoorFacts {
  /** Since when it listens; before that nobody could be heard. */
  readonly openedAt: number;
  /** How long devices have to come back to it, pipeline ms. */
  readonly openedGraceMs: number;
  /** How long a device may be without a connection, and is not missed sooner, pipeline ms. */
  readonly graceMs: number;
}

export interface PresenceVerdict {
  readonly state: PresenceState;
  /** Its silence may not be its own fault: it is not to be held against it. */
  readonly excused: boolean;
}

/** A device that said that it sleeps is missed when nothing was heard of it for as long, pipeline ms. */
export const longestSleepMs = 7 * 86_400_000;

/** Reports that a device may miss. */
const missableReports = 3;
const goneStates: ReadonlySet<PresenceState> = new Set(['offline', 'stale', 'unknown']);

/** How long nothing need be heard of a device, ms. */
export function missAfterMs(intervalS: number, graceMs: number): number {
  return Math.max(missableReports * intervalS * 1000, graceMs);
}

/**
 * Whether a device is there at `at`. Who is heard is there, whatever became of what it is reached through. Who is
 * missed is gone only when what it is reached through was heard after that: a power cut takes parents and
 * children together, and the parents' verdict may come later. While nobody can know, the state stays.
 */
export function judgePresence(
  device: PresenceFacts,
  ways: readonly Way[],
  door: DoorFacts,
  at: number,
): PresenceVerdict {
  const { heardAt, connected, connectionAt, saidOfflineAt, state = 'unknown' } = device;
  if (device.asleep && at < heardAt + longestSleepMs) return { state: 'sleeping', excused: false };
  const neverKnown = heardAt === -Infinity && connected === undefined && saidOfflineAt === undefined;
  if (neverKnown) return { state: 'unknown', excused: true };
  const missAfter = missAfterMs(device.intervalS, door.graceMs);
  const isHeard = at < heardAt + missAfter;
  if (isHeard && saidOfflineAt === undefined) return { state: 'online', excused: false };

  // Nobody could be heard before our door opened, nor before what it is reached through came back.
  let silentFrom = Math.max(heardAt, door.openedAt);
  for (const way of ways) if (way.state === 'online') silentFrom = Math.max(silentFrom, way.since);
  let missedAt = silentFrom + missAfter;
  if (connected === false) missedAt = Math.max(missedAt, connectionAt + door.graceMs);
  // A connection from before our door closed may be one that is no more, which takes us some time to find out.
  if (connected === true && connectionAt < door.openedAt)
    missedAt = Math.max(missedAt, door.openedAt + missAfter + door.graceMs);
  if (saidOfflineAt !== undefined)
    missedAt = Math.min(missedAt, Math.max(silentFrom, saidOfflineAt) + door.graceMs);
  missedAt = Math.max(missedAt, door.openedAt + door.openedGraceMs);
  if (at < missedAt) return { state, excused: !isHeard };

  if (ways.some((way) => goneStates.has(way.state))) return { state: 'unknown', excused: true };
  const mayBeGoneWithIt = ways.some((way) => way.state === 'online' && way.heardAt < missedAt);
  if (mayBeGoneWithIt) return { state, excused: true };
  return { state: connected === true ? 'stale' : 'offline', excused: false };
}
