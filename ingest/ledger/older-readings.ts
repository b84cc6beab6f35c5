const minuteMs = 60_000;
/** Readings remembered at most; each costs one number. */
const mostKept = 1024;

/** The state of `OlderReadings` as JSON: minutes, each with the hashes of what was of it. */
export type OlderState = readonly (readonly number[])[];

/**
 * Unnumbered readings that are no longer remembered one by one, but are recent enough to be judged if they came
 * again: by a hash of time and content, as long as they are within the lateness limit of the newest.
 */
export class OlderReadings {
  readonly #hashes = new Map<number, number[]>();
  #kept = 0;

  constructor(state: OlderState = []) {
    for (const [minute = 0, ...hashes] of state) {
      this.#hashes.set(minute, hashes);
      this.#kept += hashes.length;
    }
  }

  has(ts: number, hash: number): boolean {
    return this.#hashes.get(Math.floor(ts / minuteMs))?.includes(mix(ts, hash)) ?? false;
  }

  /** Remembers a reading, and forgets those of before `since`, or of the first minutes where there are too many. */
  add(ts: number, hash: number, since: number): void {
    const minute = Math.floor(ts / minuteMs);
    if (ts >= since) {
      const hashes = this.#hashes.get(minute);
      if (hashes === undefined) this.#hashes.set(minute, [mix(ts, hash)]);
      else hashes.push(mix(ts, hash));
      this.#kept++;
    }
    const oldest = Math.floor(since / minuteMs);
    for (const [each, { length }] of [...this.#hashes].sort(([a], [b]) => a - b)) {
      if (each >= oldest && this.#kept <= mostKept) break;
      this.#hashes.delete(each);
      this.#kept -= length;
    }
  }

  /** The state; undefined while there is nothing. */
  toJSON(): OlderState | undefined {
    return this.#hashes.size === 0
      ? undefined
      : [...this.#hashes].map(([minute, hashes]) => [minute, ...hashes]);
  }
}

/** One number for the time within its minute and the content. */
function mix(ts: number, hash: number): number {
  return (hash ^ Math.imul(ts % minuteMs, 0x9e3779b1)) >>> 0;
}
