import type { Presence } from '../devices/presence.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Session } from './session.js';

const flushMs = 1000;
/** Devices that had a connection before we started get this long (wall time) to come back. */
const graceMs = 90_000;

/**
 * Keeps who is there in Redis, by what this broker sees: connects, disconnects and messages. Changes are
 * gathered for a second and written together; while Redis is away the newest of each device waits.
 */
export class PresenceKeeper {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #online = new Map<string, { session: Session; since: number }>();
  #changed = new Map<string, Presence>();
  readonly #timer: NodeJS.Timeout;
  readonly #grace: NodeJS.Timeout;

  constructor(redis: Redis, clock: Clock, log: Logger) {
    this.#redis = redis;
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => void this.#flush(), flushMs);
    this.#grace = setTimeout(() => void this.#sweep(), graceMs);
    this.#grace.unref();
  }

  connected(session: Session): void {
    const since = this.#clock.now();
    this.#online.set(session.client, { session, since });
    this.#changed.set(session.client, { state: 'online', since, lastSeenAt: session.lastSeenAt });
  }

  disconnected(session: Session): void {
    // After a takeover the device is here again, by its newer connection.
    if (this.#online.get(session.client)?.session !== session) return;
    this.#online.delete(session.client);
    const since = this.#clock.now();
    this.#changed.set(session.client, { state: 'offline', since, lastSeenAt: session.lastSeenAt });
  }

  /** Writes what is known and stops; connections that end from now on are our doing, not the devices'. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#grace);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const previousFlushAt = this.#clock.now() - this.#pipelineMs(flushMs);
    for (const [device, { session, since }] of this.#online) {
      if (session.lastSeenAt >= previousFlushAt && !this.#changed.has(device)) {
        this.#changed.set(device, { state: 'online', since, lastSeenAt: session.lastSeenAt });
      }
    }
    if (this.#changed.size === 0) return;
    const changes = this.#changed;
    this.#changed = new Map();
    const fields = [...changes].flatMap(([device, presence]) => [device, JSON.stringify(presence)]);
    try {
      await this.#redis.hset(redisKeys.presence, ...fields);
    } catch (error) {
      for (const [device, presence] of changes) {
        if (!this.#changed.has(device)) this.#changed.set(device, presence);
      }
      this.#log.debug(`presence not written: ${messageOf(error)}`);
    }
  }

  /** Whoever was online before a crash of ours and has not come back is offline. */
  async #sweep(): Promise<void> {
    try {
      const all = await this.#redis.hgetall(redisKeys.presence);
      for (const [device, json] of Object.entries(all)) {
        const known = JSON.parse(json) as Presence;
        if (known.state === 'offline' || this.#online.has(device) || this.#changed.has(device)) continue;
        this.#changed.set(device, { ...known, state: 'offline', since: this.#clock.now() });
      }
    } catch (error) {
      this.#log.warn(`could not look for devices that did not come back: ${messageOf(error)}`);
    }
  }

  #pipelineMs(wallMs: number): number {
    return wallMs / this.#clock.wallMs(1);
  }
}
