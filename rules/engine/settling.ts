import type { DeviceClass } from '../../devices/device-class.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceRef } from '../device-ref.js';
import type { Programs } from './program.js';

/** Reports after which all devices that live are counted by a new condition. */
const reports = 2;
/** It is not waited for longer, ms: some report once an hour. */
const longestMs = 900_000;

/** As kept in the checkpoint: by class and text, since when; null: since the last tick. */
export type SavedSettling = Readonly<Record<string, Readonly<Record<string, number | null>>>>;

/**
 * Conditions that groups count since the rules were changed. A device is counted with its next reading, so a count is
 * known only some time later; until then it would say that nobody is in the condition.
 */
export class Settling {
  /** By class and text: since when; undefined before the first tick. */
  readonly #since = new Map<DeviceClass, Map<string, number | undefined>>();

  get isOver(): boolean {
    return this.#since.size === 0;
  }

  /** The rules were changed. */
  begin(before: Programs, after: Programs): void {
    for (const deviceClass of deviceClasses) {
      const known = new Set(before[deviceClass].traits.map(({ text }) => text));
      for (const { text, movedBy } of after[deviceClass].traits)
        if (movedBy.readings && !known.has(text)) this.#of(deviceClass).set(text, undefined);
    }
  }

  /** Pipeline time has come to `at`. @returns whether anything is other than before */
  tick(at: number, devices: Iterable<{ readonly device: DeviceRef }>): boolean {
    const intervals = new Map<DeviceClass, number>();
    for (const { device } of devices) {
      const { deviceClass, intervalS = 60 } = device;
      intervals.set(deviceClass, Math.max(intervals.get(deviceClass) ?? 0, 1000 * intervalS));
    }
    let isOther = false;
    for (const [deviceClass, since] of this.#since) {
      const waitMs = Math.min(reports * (intervals.get(deviceClass) ?? 0), longestMs);
      for (const [text, begun] of since) {
        if (begun !== undefined && at - begun < waitMs) continue;
        isOther = true;
        if (begun === undefined) since.set(text, at);
        else since.delete(text);
      }
      if (since.size === 0) this.#since.delete(deviceClass);
    }
    return isOther;
  }

  has(deviceClass: DeviceClass, text: string): boolean {
    return this.#since.get(deviceClass)?.has(text) === true;
  }

  save(): SavedSettling | undefined {
    if (this.isOver) return undefined;
    const saved = [...this.#since].map(([deviceClass, since]) => {
      const texts = [...since].map(([text, begun]) => [text, begun ?? null] as const);
      return [deviceClass, Object.fromEntries(texts)] as const;
    });
    return Object.fromEntries(saved);
  }

  restore(saved: SavedSettling | undefined): void {
    for (const [deviceClass, since] of Object.entries(saved ?? {}))
      for (const [text, begun] of Object.entries(since))
        this.#of(deviceClass as DeviceClass).set(text, begun ?? undefined);
  }

  #of(deviceClass: DeviceClass): Map<string, number | undefined> {
    const known = this.#since.get(deviceClass) ?? new Map<string, number | undefined>();
    this.#since.set(deviceClass, known);
    return known;
  }
}
