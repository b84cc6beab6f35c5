import type { Presence } from '../devices/presence.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Session } from './session.js';

const flushMs = 1000;

/**
 * KEYS[1] presence; ARGV: device, number of the connection, presence JSON, and so on by threes. Writes those
 * that are not about an older connection than what is there, whichever broker comes first.
 */
const writeScript = `
for i = 1, #ARGV, 3 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  local newest = known and cjson.decode(known).connection or 0
  if newest <= tonumber(ARGV[i + 1]) then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end`;

/** What a script takes without a noticeable pause of Redis. */
const batch = 500;

/** A connection that is open here. */
interface Open {
  readonly session: Session;
  readonly since: number;
  readonly connection: number;
}

/**
 * Keeps who is there in Redis, by what this broker sees: connects, disconnects and messages. Changes are
 * gathered for a second and written together; while Redis is away the newest of each device waits.
 */
export class PresenceKeeper {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #online = new Map<string, Open>();
  #changed = new Map<string, Presence>();
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis, clock: Clock, log: Logger) {
    this.#redis = redis;
    this.#clock = clock;
    this.#log = log;
    this.#timer = setInterval(() => void this.#flush(), flushMs);
  }

  /** @param connection its number in the connection directory */
  connected(session: Session, connection: number): void {
    const since = this.#clock.now();
    this.#online.set(session.client, { session, since, connection });
    this.#changed.set(session.client, { state: 'online', since, lastSeenAt: session.lastSeenAt, connection });
  }

  /** The device's newest connection ended. */
  disconnected(session: Session, connection: number): void {
    this.forget(session);
    this.isOffline(session.client, session.lastSeenAt, connection);
  }

  /** The connection ended; the device is there by a newer one. */
  forget(session: Session): void {
    if (this.#online.get(session.client)?.session === session) this.#online.delete(session.client);
  }

  /** A device has no connection any more. @param lastSeenAt pipeline time, epoch ms */
  isOffline(device: string, lastSeenAt: number, connection: number): void {
    if ((this.#online.get(device)?.connection ?? 0) > connection) return;
    this.#changed.set(device, { state: 'offline', since: this.#clock.now(), lastSeenAt, connection });
  }

  /** Writes what is known and stops; connections that end from now on are our doing, not the devices'. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const previousFlushAt = this.#clock.now() - this.#pipelineMs(flushMs);
    for (const [device, { session, since, connection }] of this.#online) {
      if (session.lastSeenAt >= previousFlushAt && !this.#changed.has(device)) {
        this.#changed.set(device, { state: 'online', since, lastSeenAt: session.lastSeenAt, connection });
      }
    }
    const changes = [...this.#changed];
    this.#changed = new Map();
    for (let from = 0; from < changes.length; from += batch) {
      const some = changes.slice(from, from + batch);
      const rows = some.flatMap(([device, presence]) => [
        device,
        presence.connection,
        JSON.stringify(presence),
      ]);
      try {
        await this.#redis.eval(writeScript, 1, redisKeys.presence, ...rows);
      } catch (error) {
        for (const [device, presence] of some) {
          if (!this.#changed.has(device)) this.#changed.set(device, presence);
        }
        this.#log.debug(`presence not written: ${messageOf(error)}`);
      }
    }
  }

  #pipelineMs(wallMs: number): number {
    return wallMs / this.#clock.wallMs(1);
  }
}
