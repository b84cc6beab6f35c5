import type { Contact } from '../devices/contact.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Session } from './session.js';

const flushMs = 1000;
/** When devices that stay were last seen is written once in so many flushes. */
const flushesPerSighting = 10;

/**
 * KEYS[1] contacts; ARGV: device, number of the connection, contact JSON, and so on by threes. Writes those
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
  /** As it was last written. */
  lastSeenAt: number;
}

/**
 * Keeps in Redis which devices have a connection, and when they were last seen, by what this broker sees: connects,
 * disconnects and packets. Changes are gathered for a second and written together, sightings for ten; while Redis
 * is away the newest of each device waits.
 */
export class ContactBook {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #open = new Map<string, Open>();
  #changed = new Map<string, Contact>();
  #flushes = 0;
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
    const { client, lastSeenAt } = session;
    this.#open.set(client, { session, since, connection, lastSeenAt });
    this.#changed.set(client, { connected: true, since, lastSeenAt, connection });
  }

  /** The device's newest connection ended. */
  disconnected(session: Session, connection: number): void {
    this.forget(session);
    this.isGone(session.client, session.lastSeenAt, connection);
  }

  /** The connection ended; the device is there by a newer one. */
  forget(session: Session): void {
    if (this.#open.get(session.client)?.session === session) this.#open.delete(session.client);
  }

  /** A device has no connection any more. @param lastSeenAt pipeline time, epoch ms */
  isGone(device: string, lastSeenAt: number, connection: number): void {
    if ((this.#open.get(device)?.connection ?? 0) > connection) return;
    this.#changed.set(device, { connected: false, since: this.#clock.now(), lastSeenAt, connection });
  }

  /** Writes what is known and stops; connections that end from now on are our doing, not the devices'. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#gatherSightings();
    await this.#flush();
  }

  #gatherSightings(): void {
    for (const [device, open] of this.#open) {
      const { session, since, connection } = open;
      const { lastSeenAt } = session;
      if (lastSeenAt === open.lastSeenAt || this.#changed.has(device)) continue;
      open.lastSeenAt = lastSeenAt;
      this.#changed.set(device, { connected: true, since, lastSeenAt, connection });
    }
  }

  async #flush(): Promise<void> {
    if (++this.#flushes % flushesPerSighting === 0) this.#gatherSightings();
    const changes = [...this.#changed];
    this.#changed = new Map();
    for (let from = 0; from < changes.length; from += batch) {
      const some = changes.slice(from, from + batch);
      const rows = some.flatMap(([device, contact]) => [device, contact.connection, JSON.stringify(contact)]);
      try {
        await this.#redis.eval(writeScript, 1, redisKeys.contacts, ...rows);
      } catch (error) {
        for (const [device, contact] of some) {
          if (!this.#changed.has(device)) this.#changed.set(device, contact);
        }
        this.#log.debug(`contacts not written: ${messageOf(error)}`);
      }
    }
  }
}
