import type { KeptPresence } from '../devices/presence.js';
import type { Attendee } from './attendee.js';
import { parseBridge } from './log/bridge-name.js';

/** When a device was last seen is written this much later at most, pipeline ms; a change of state at once. */
const shownLateMs = 15_000;

interface ShownPresence {
  readonly device: string;
  readonly presence: KeptPresence;
}

/** What was last written of the presence of each device. */
export class ShownPresences {
  readonly #shown = new Map<string, KeptPresence>();

  /** What is worth being written now. */
  due(changed: Iterable<readonly [device: string, attendee: Attendee]>): readonly ShownPresence[] {
    return [...changed].flatMap(([device, attendee]) => {
      const presence = this.#toShow(device, attendee);
      return presence === undefined ? [] : [{ device, presence }];
    });
  }

  written(presences: readonly ShownPresence[]): void {
    for (const { device, presence } of presences) this.#shown.set(device, presence);
  }

  forget(device: string): void {
    this.#shown.delete(device);
  }

  /** What is to be written of the device's presence; undefined where that is not worth it yet. */
  #toShow(device: string, { state, since, heardAt, via }: Attendee): KeptPresence | undefined {
    if (state === undefined) return undefined;
    const through = via === undefined ? undefined : parseBridge(via);
    const shown = this.#shown.get(device);
    if (
      shown?.state === state &&
      shown.since === since &&
      shown.through?.name === through?.name &&
      shown.through?.kind === through?.kind &&
      heardAt - shown.lastSeenAt < shownLateMs
    )
      return undefined;
    return { state, since, lastSeenAt: heardAt, through };
  }
}
