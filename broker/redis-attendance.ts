import type { Contact } from '../devices/contact.js';
import { findKnownDevices } from '../devices/redis-credentials.js';
import { shardOf } from '../devices/site.js';
import type { LogWriter } from '../ingest/log/log.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { RoleContext } from '../runtime/role.js';
import { AccountBeats } from './account-beats.js';
import type { ClientConnection } from './client-connection.js';
import { BrokerPulse } from './redis-broker-pulse.js';
import { ConnectionDirectory } from './redis-connection-directory.js';
import type { DirectoryEntry } from './redis-connection-directory.js';
import { ContactBook } from './redis-contacts.js';

export interface AttendanceParts {
  readonly context: RoleContext;
  readonly redis: Redis;
  readonly writer: LogWriter;
  readonly shards: number;
  /** Distinguishes this broker process from all others. */
  readonly broker: string;
}

/**
 * Who is there, over all brokers: a device that comes is entered in the directory (and thereby taken over
 * from another broker), and that it came goes into the reading log; one that goes leaves them, unless
 * it is there by a newer connection. Of bridge accounts the log is told whether they are there.
 */
export class Attendance {
  readonly #parts: AttendanceParts;
  readonly #directory: ConnectionDirectory<ClientConnection>;
  readonly #contacts: ContactBook;
  readonly #pulse: BrokerPulse;
  readonly #accounts: AccountBeats;
  #stopping = false;

  constructor(parts: AttendanceParts) {
    this.#parts = parts;
    const { redis, broker, writer, shards } = parts;
    const { redisUrl, log, clock, settings } = parts.context;
    this.#contacts = new ContactBook(redis, clock, log);
    this.#accounts = new AccountBeats({ log: writer, shards, clock });
    this.#directory = new ConnectionDirectory<ClientConnection>({
      url: redisUrl,
      redis,
      broker,
      log,
      onTakenOver: (connection) => {
        // Its Will would say that the device is gone, and it is at another broker.
        connection.cut();
      },
      onReturned: (connection, number) => this.#isThere(connection, number),
      recheckMs: settings.RECHECK_S * 1000,
    });
    this.#pulse = new BrokerPulse({
      redis,
      directory: this.#directory,
      broker,
      log,
      onLost: (entry) => this.#lost(entry),
      graceMs: settings.RECONNECT_GRACE_S * 1000,
    });
  }

  /** A client was let in. */
  async opened(connection: ClientConnection): Promise<void> {
    const { session } = connection;
    if (session !== undefined && !connection.ended) this.#accounts.opened(session);
    if (session?.device === undefined) return;
    const number = await this.#directory.opened(session.client, connection);
    if (number !== undefined) this.#isThere(connection, number);
  }

  /** Its connection is over. */
  async ended(connection: ClientConnection): Promise<void> {
    const { session } = connection;
    // What ends because we stop tells nothing about the device.
    if (session === undefined || this.#stopping) return;
    this.#accounts.ended(session);
    if (session.device === undefined) return;
    const number = await this.#directory.closed(session.client, connection);
    if (number === undefined) {
      this.#contacts.forget(session);
      return;
    }
    this.#contacts.disconnected(session, number);
    this.#log(session.shard, session.client, false);
  }

  /** From now on connections end because of us. */
  leave(): void {
    this.#stopping = true;
    this.#accounts.stop();
  }

  async stop(): Promise<void> {
    this.leave();
    this.#pulse.stop();
    this.#directory.stop();
    await this.#contacts.stop();
  }

  #isThere({ session, ended }: ClientConnection, number: number): void {
    if (session === undefined || ended) return;
    this.#contacts.connected(session, number);
    this.#log(session.shard, session.client, true);
  }

  async #lost({ device, number }: DirectoryEntry): Promise<void> {
    const { redis, shards } = this.#parts;
    const seen = await redis.hget(redisKeys.contacts, device);
    const lastSeenAt = seen === null ? 0 : (JSON.parse(seen) as Contact).lastSeenAt;
    this.#contacts.isGone(device, lastSeenAt, number);
    const [known] = await findKnownDevices(redis, [device]);
    if (known !== undefined) this.#log(shardOf(known.device.site, shards), device, false);
  }

  #log(shard: number, client: string, online: boolean): void {
    const { writer, context } = this.#parts;
    writer.append(
      shard,
      { kind: 'presence', arrivedAt: context.clock.now(), client, online },
      () => undefined,
    );
  }
}
