import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

/**
 * KEYS[1] directory, KEYS[2] counter; ARGV[1] device, ARGV[2] broker, ARGV[3] prefix of the takeover channels.
 * Returns the number of the connection, greater than all before it. The broker that had the device until now
 * is told; atomic, so that of two connections that come at once one is the newer for everybody.
 */
const openScript = `
local number = redis.call('INCR', KEYS[2])
local before = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], number .. ' ' .. ARGV[2])
local other = before and string.match(before, '^%d+ (.*)$')
if other and other ~= ARGV[2] then redis.call('PUBLISH', ARGV[3] .. other, ARGV[1] .. ' ' .. number) end
return number`;

/**
 * KEYS[1] directory; ARGV[1] device, ARGV[2] `number broker`. Removes the connection; returns 1 when it was
 * the device's newest, else 0.
 */
const closeScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1`;

const retryMs = 1000;

/** Asked for in one round trip at most. */
const batch = 500;

/** A connection of a device, over whichever broker. */
export interface DirectoryEntry {
  readonly device: string;
  /** Greater for a newer connection of the whole pipeline. */
  readonly number: number;
  readonly broker: string;
}

/** A connection of ours and its number in the directory, once it has one. */
interface Own<Connection> {
  readonly connection: Connection;
  readonly number: Promise<number | undefined>;
}

export interface ConnectionDirectoryParts<Connection> {
  readonly url: string;
  readonly redis: Redis;
  /** This broker process. */
  readonly broker: string;
  readonly log: Logger;
  /** The device has a newer connection elsewhere: this one is to be closed [MQTT-3.1.4-2]. */
  readonly onTakenOver: (connection: Connection) => void;
  /** The device had been taken for gone, wrongly: it is there by this connection, with a new number. */
  readonly onReturned: (connection: Connection, number: number) => void;
  /** Wall ms between two looks at all connections, which find what an announcement did not tell. */
  readonly recheckMs: number;
}

/**
 * Which broker has which device: shared by all brokers, so that a device that connects to one of them is
 * taken over from another, and its newest connection is known whatever arrives when.
 */
export class ConnectionDirectory<Connection> {
  readonly #parts: ConnectionDirectoryParts<Connection>;
  readonly #own = new Map<string, Own<Connection>>();
  readonly #subscriber: Redis;
  readonly #timer: NodeJS.Timeout;
  #stopped = false;

  constructor(parts: ConnectionDirectoryParts<Connection>) {
    this.#parts = parts;
    const failed = (error: unknown) => parts.log.debug(`connections: ${messageOf(error)}`);
    this.#subscriber = connectRedis(parts.url, parts.log);
    this.#subscriber.on('message', (_channel, told: string) => {
      const [device = '', number] = told.split(' ');
      void this.#superseded(device, Number(number)).catch(failed);
    });
    this.#subscriber.subscribe(redisKeys.takeovers + parts.broker).catch(failed);
    this.#timer = setInterval(() => void this.#recheck().catch(failed), parts.recheckMs);
  }

  /**
   * A device was let in.
   * @returns its connection's number, as soon as Redis answers; undefined when it is over before that
   */
  opened(device: string, connection: Connection): Promise<number | undefined> {
    const number = this.#register(device, () => this.#own.get(device)?.connection === connection);
    this.#own.set(device, { connection, number });
    return number;
  }

  /**
   * A connection ended.
   * @returns its number when it was the device's newest, as soon as Redis answers; undefined when the device is
   * there by another one
   */
  async closed(device: string, connection: Connection): Promise<number | undefined> {
    const own = this.#own.get(device);
    if (own?.connection !== connection) return undefined;
    this.#own.delete(device);
    const number = await own.number;
    if (number === undefined) return undefined;
    const { redis, broker } = this.#parts;
    let asked = 0;
    const removed = await this.#ask(
      async () => {
        // What Redis did not answer it may have done all the same.
        if (asked++ > 0 && (await redis.hexists(redisKeys.connections, device)) === 0) return true;
        return this.#remove({ device, number, broker });
      },
      () => true,
    );
    return removed === true ? number : undefined;
  }

  /** Removes an entry; false when the device has a newer connection, or Redis doesn't answer. */
  remove(entry: DirectoryEntry): Promise<boolean> {
    return this.#remove(entry).catch(() => false);
  }

  /** Whether the device has a connection here. */
  holds({ device }: DirectoryEntry): boolean {
    return this.#own.has(device);
  }

  /** All connections of all brokers. */
  async all(): Promise<DirectoryEntry[]> {
    const entries = await this.#parts.redis.hgetall(redisKeys.connections);
    return Object.entries(entries).map(([device, entry]) => ({ device, ...parseEntry(entry) }));
  }

  /** Connections that end from now on are our doing: they stay in the directory, for the devices come back. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#subscriber.disconnect();
  }

  async #remove({ device, number, broker }: DirectoryEntry): Promise<boolean> {
    const entry = `${number} ${broker}`;
    return (await this.#parts.redis.eval(closeScript, 1, redisKeys.connections, device, entry)) === 1;
  }

  #register(device: string, isWanted: () => boolean): Promise<number | undefined> {
    const { redis, broker } = this.#parts;
    const { connections, connectionCount, takeovers } = redisKeys;
    return this.#ask(async () => {
      const keys = [connections, connectionCount];
      return (await redis.eval(openScript, keys.length, ...keys, device, broker, takeovers)) as number;
    }, isWanted);
  }

  /** Asks again until Redis answers; undefined when the answer isn't wanted any more. */
  async #ask<Answer>(ask: () => Promise<Answer>, isWanted: () => boolean): Promise<Answer | undefined> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        this.#parts.log.debug(`the directory of connections: ${messageOf(error)}`);
        await sleep(retryMs);
        if (this.#stopped || !isWanted()) return undefined;
      }
    }
  }

  async #superseded(device: string, newer: number): Promise<void> {
    const own = this.#own.get(device);
    const number = await own?.number;
    if (own === undefined || number === undefined || number >= newer || this.#own.get(device) !== own) return;
    this.#parts.onTakenOver(own.connection);
  }

  async #recheck(): Promise<void> {
    const devices = [...this.#own.keys()];
    for (let from = 0; from < devices.length; from += batch) {
      const some = devices.slice(from, from + batch);
      const entries = await this.#parts.redis.hmget(redisKeys.connections, ...some);
      for (const [i, device] of some.entries()) await this.#compare(device, entries[i]);
    }
  }

  async #compare(device: string, entry: string | null | undefined): Promise<void> {
    const own = this.#own.get(device);
    if (own === undefined) return;
    if (typeof entry !== 'string') {
      // It was removed while nobody heard of us.
      const number = await this.opened(device, own.connection);
      if (number !== undefined) this.#parts.onReturned(own.connection, number);
      return;
    }
    await this.#superseded(device, parseEntry(entry).number);
  }
}

function parseEntry(entry: string): { number: number; broker: string } {
  const space = entry.indexOf(' ');
  return { number: Number(entry.slice(0, space)), broker: entry.slice(space + 1) };
}
