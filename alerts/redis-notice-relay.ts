import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { IncidentNotice } from './incidents/incident.js';
import { readJsonStreams } from './redis-json-streams.js';

interface RelayParts {
  /** A connection of the relay's own: reading blocks it. */
  readonly reading: Redis;
  readonly redis: Redis;
  /** Returns when the notices are safe elsewhere; called in their order. */
  readonly handOver: (notices: readonly IncidentNotice[]) => Promise<void>;
  readonly log: Logger;
}

const blockMs = 1000;
const retryMs = 1000;

/**
 * Hands on what the desk put out and takes it out after that: at least once, so the receiver has to know what it has
 * already. A notice that is no JSON stays where it is and is logged.
 */
export class NoticeRelay {
  readonly #parts: RelayParts;
  /** Last entry seen by this process; a new process begins with what is left. */
  #cursor = '0';
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #lastFailure = '';

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Returns when nothing is being handed on any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // Ends a blocked read at once, also one that waits for a Redis that is away.
    this.#parts.reading.disconnect();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#handOn();
        this.#lastFailure = '';
      } catch (error) {
        await this.#onFailure(messageOf(error));
      }
    }
  }

  async #onFailure(failure: string): Promise<void> {
    // Stopping cuts the connection, so a failure is what ends the last read.
    if (this.#stopping) return;
    if (failure !== this.#lastFailure) this.#parts.log.warn(`notices: ${failure}; trying again`);
    this.#lastFailure = failure;
    await sleep(retryMs);
  }

  async #handOn(): Promise<void> {
    const { reading, redis, handOver, log } = this.#parts;
    const from = new Map([[redisKeys.notices, this.#cursor]]);
    for (const { ids, entries, last } of await readJsonStreams(reading, from, blockMs, log)) {
      if (ids.length > 0) {
        await handOver(entries as IncidentNotice[]);
        await redis.xdel(redisKeys.notices, ...ids);
      }
      this.#cursor = last;
    }
  }
}
