import type { PresenceVerdict } from '../../devices/presence.js';
import type { DeviceRef } from '../device-ref.js';

export type OnVerdict = (device: DeviceRef, verdict: PresenceVerdict, at: number) => void;

const missedReports = 3;
/** Nobody is missed sooner, ms: as long as devices may take to come back. */
const graceMs = 90_000;
/** Where nobody said how often a device reports, s. */
const usualIntervalS = 60;

const online: PresenceVerdict = { state: 'online', excused: false };
const offline: PresenceVerdict = { state: 'offline', excused: false };
const unknown: PresenceVerdict = { state: 'unknown', excused: true };

interface Heard {
  device: DeviceRef;
  heardAt: number;
  /** Undefined while it is not missed. */
  missedAt: number | undefined;
  verdict: PresenceVerdict;
}

/**
 * Who was there, by what a history holds: readings and events. Like the roll call of the pipeline it misses whoever
 * left out three reports, and calls a device unknown while what it is reached through is missed, or was not heard again
 * since; but who is connected and silent (`stale`) and who is gone are the same here, and both called offline.
 */
export class HistoricPresences {
  readonly #devices = new Map<string, Heard>();

  /** Something was heard of a device at `at`, epoch ms. */
  hear(device: DeviceRef, at: number, onVerdict: OnVerdict): void {
    const known = this.#devices.get(device.id);
    if (known === undefined) {
      this.#devices.set(device.id, { device, heardAt: at, missedAt: undefined, verdict: online });
      onVerdict(device, online, at);
      return;
    }
    known.device = device;
    known.heardAt = at;
    known.missedAt = undefined;
    if (known.verdict !== online) this.#decide(known, online, at, onVerdict);
  }

  /** Time has come to `at`, epoch ms. */
  tick(at: number, onVerdict: OnVerdict): void {
    // All who are missed first: a device's verdict depends on what it is reached through.
    for (const each of this.#devices.values()) {
      const patienceMs = Math.max(missedReports * (each.device.intervalS ?? usualIntervalS) * 1000, graceMs);
      if (each.missedAt === undefined && at - each.heardAt > patienceMs) each.missedAt = at;
    }
    for (const each of this.#devices.values()) {
      if (each.missedAt === undefined) continue;
      const verdict = this.#isParentThere(each.device.parentId, each.missedAt) ? offline : unknown;
      if (verdict !== each.verdict) this.#decide(each, verdict, at, onVerdict);
    }
  }

  /** What was never heard says nothing of what is behind it. */
  #isParentThere(parent: string | undefined, missedAt: number): boolean {
    const known = parent === undefined ? undefined : this.#devices.get(parent);
    return known === undefined || (known.missedAt === undefined && known.heardAt >= missedAt - graceMs);
  }

  #decide(each: Heard, verdict: PresenceVerdict, at: number, onVerdict: OnVerdict): void {
    each.verdict = verdict;
    onVerdict(each.device, verdict, at);
  }
}
