import { shardOf } from '../devices/site.js';
import type { LogWriter } from '../ingest/log/log.js';
import type { Clock } from '../runtime/clock.js';

const lookMs = 1000;
/** Looks without a change until the state is told again. */
const looksPerBeat = 10;

export interface BeatParts {
  /** The bridge, or bridge account, by its name in the log. */
  readonly client: string;
  readonly sites: Iterable<string>;
  /** Whether what it has reaches us. */
  readonly isConnected: () => boolean;
  /** It is not connected, the log has it, and it will not be told again. @defaultValue it is told on and on */
  readonly onIdle?: () => void;
  readonly log: LogWriter;
  readonly shards: number;
  readonly clock: Clock;
}

/**
 * Writes into the log, for the shards of its sites, that a bridge (or a bridge account) lives and whether it is
 * connected: devices behind it have no connection of their own. One that stops says nothing: it is missed after a while.
 */
export class BridgeBeat {
  readonly #parts: BeatParts;
  readonly #shards: readonly number[];
  readonly #timer: NodeJS.Timeout;
  #told: boolean | undefined;
  #looks = 0;
  /** Appends that are not answered yet: a log that doesn't answer gets no queue of beats. */
  #waiting = 0;

  constructor(parts: BeatParts) {
    this.#parts = parts;
    this.#shards = [...new Set([...parts.sites].map((site) => shardOf(site, parts.shards)))];
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { client, isConnected, onIdle, log, clock } = this.#parts;
    const online = isConnected();
    if (onIdle !== undefined && !online && this.#told === false && this.#waiting === 0) {
      this.stop();
      onIdle();
      return;
    }
    this.#looks++;
    if (this.#waiting > 0 || (online === this.#told && this.#looks < looksPerBeat)) return;
    this.#told = online;
    this.#looks = 0;
    const record = { kind: 'presence', arrivedAt: clock.now(), client, online } as const;
    this.#waiting = this.#shards.length;
    for (const shard of this.#shards)
      log.append(shard, record, (error) => {
        this.#waiting--;
        // To be told again at the next look.
        if (error !== undefined) this.#told = undefined;
      });
  }
}
