import { hashText } from './content.js';

/** Events remembered per device, to know them when they are sent again. */
const kept = 16;

/** The events that a device sent last, as time, hash of the type and hash of type and detail, one after the other. */
export class RecentEvents {
  readonly #events: number[];

  constructor(state: readonly number[] = []) {
    this.#events = [...state];
  }

  /** `same_timestamp`: another event of this type and time was here, and one would overwrite the other. */
  see(event: {
    readonly ts: number;
    readonly type: string;
    readonly detail: string;
  }): 'new' | 'duplicate' | 'same_timestamp' {
    const type = hashText(event.type);
    const content = hashText(`${event.type} ${event.detail}`);
    let verdict: 'new' | 'same_timestamp' = 'new';
    for (let i = 0; i < this.#events.length; i += 3) {
      if (this.#events[i] !== event.ts || this.#events[i + 1] !== type) continue;
      if (this.#events[i + 2] === content) return 'duplicate';
      verdict = 'same_timestamp';
    }
    this.#events.push(event.ts, type, content);
    if (this.#events.length > 3 * kept) this.#events.splice(0, 3);
    return verdict;
  }

  /** The state; undefined while there is nothing. */
  toJSON(): readonly number[] | undefined {
    return this.#events.length === 0 ? undefined : this.#events;
  }
}
