import { setTimeout as sleep } from 'node:timers/promises';
import type { IClientOptions } from 'mqtt';
import { messageOf } from '../../runtime/app-error.js';
import type { Logger } from '../../runtime/logger.js';
import { BackOff } from './back-off.js';
import type { Delivered } from './intake.js';
import type { Bridge } from './parse-bridges.js';
import type { BridgeMemory } from './redis-bridge-memory.js';
import { UpstreamConnection } from './upstream-connection.js';
import type { ConnectionParts, Flow } from './upstream-connection.js';

const connectTimeoutMs = 10_000;
const keepAliveS = 30;
/** A connection that lasted this long was none of the failing kind, even if nothing came. */
const steadyMs = 60_000;
/** How long the other broker is asked to keep our session, and what it holds for us: a week. */
const sessionExpiryS = 7 * 86_400;

export interface FollowParts {
  readonly bridge: Bridge;
  readonly secrets: Pick<IClientOptions, 'username' | 'password' | 'ca' | 'cert' | 'key'>;
  readonly memory: BridgeMemory;
  readonly log: Logger;
  readonly most: Flow;
  readonly take: (message: Delivered, done: (error?: Error) => void) => Promise<void>;
  /** A connection has begun: what came before may have been missed. */
  readonly onConnected: () => void;
}

/** Keeps one bridge connected, with longer and longer waits between tries while it can't be. */
export class BridgeFollower {
  readonly flow: Flow = { messages: 0, bytes: 0 };
  readonly #parts: FollowParts;
  readonly #backOff = new BackOff();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #connection: UpstreamConnection | undefined;
  /** Why nothing comes from there; undefined while it does. */
  trouble: string | undefined = 'not connected yet';

  constructor(parts: FollowParts) {
    this.#parts = parts;
    this.#done = this.#run();
  }

  /** Sends a message of ours, QoS 0, if there is a connection. */
  publish(topic: string, payload: Buffer): void {
    this.#connection?.client.publish(topic, payload, { qos: 0 });
  }

  /** A message is on disk: there is a way through, and maybe room for the next. */
  progressed(): void {
    this.#backOff.succeeded();
    this.#connection?.release();
  }

  stopReading(): void {
    this.#stop.abort();
    this.#connection?.stopReading();
  }

  async stop(): Promise<void> {
    this.stopReading();
    // Without DISCONNECT: a host's Will says that it is offline, and the session stays.
    this.#connection?.fail('we stop');
    await this.#done;
  }

  async #run(): Promise<void> {
    const { bridge, log } = this.#parts;
    let lastReason = '';
    while (!this.#isStopped()) {
      const startedAt = performance.now();
      const reason = await this.#connect();
      if (this.#isStopped()) break;
      this.trouble = reason;
      if (performance.now() - startedAt > steadyMs) this.#backOff.succeeded();
      const waitMs = this.#backOff.nextMs();
      // One line for each kind of failure, not for each try.
      if (reason !== lastReason)
        log.warn({ bridge: bridge.name }, `bridge ${bridge.name}: ${reason}; trying again`);
      lastReason = reason;
      await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** @returns why the connection ended, or could not even be tried */
  async #connect(): Promise<string> {
    let connection: UpstreamConnection;
    try {
      connection = new UpstreamConnection(this.#connectionParts());
    } catch (error) {
      // Of certificates and keys that TLS can't use, for one.
      return messageOf(error);
    }
    this.#connection = connection;
    const reason = await connection.closed;
    connection.client.end(true);
    return reason;
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #connectionParts(): ConnectionParts {
    const { bridge, secrets, most, take } = this.#parts;
    const { hostId } = bridge;
    const birthAt = Date.now();
    const state = (online: boolean) => JSON.stringify({ online, timestamp: birthAt });
    const will = { payload: Buffer.from(state(false)), qos: 1, retain: true } as const;
    const options: IClientOptions = {
      ...secrets,
      clientId: bridge.clientId,
      clean: false,
      keepalive: keepAliveS,
      connectTimeout: connectTimeoutMs,
      ...(bridge.mqtt === 5
        ? {
            protocolVersion: 5,
            properties: {
              sessionExpiryInterval: sessionExpiryS,
              receiveMaximum: Math.min(65_535, most.messages),
            },
          }
        : { protocolVersion: 4 }),
      ...(hostId === undefined ? {} : { will: { topic: `spBv1.0/STATE/${hostId}`, ...will } }),
    };
    return {
      url: bridge.url,
      options,
      flow: this.flow,
      most,
      take,
      onConnected: async (connection, sessionPresent) => {
        this.#parts.onConnected();
        const refused = await this.#subscribe(connection, sessionPresent);
        if (hostId !== undefined) {
          connection.client.publish(`spBv1.0/STATE/${hostId}`, state(true), { qos: 1, retain: true });
        }
        this.trouble =
          refused.length === 0 ? undefined : `it refuses our subscription to ${refused.join(', ')}`;
        this.#parts.log.info(
          { bridge: bridge.name, sessionPresent },
          `bridge ${bridge.name}: connected to ${bridge.url}`,
        );
      },
    };
  }

  /** Brings the session's filters to what the file says. @returns the filters that were refused */
  async #subscribe({ client }: UpstreamConnection, sessionPresent: boolean): Promise<readonly string[]> {
    const { bridge, memory } = this.#parts;
    const prefix = bridge.share === undefined ? '' : `$share/${bridge.share}/`;
    const wanted = new Map(
      bridge.subscriptions.flatMap(({ topics, qos }) =>
        topics.map((filter) => [prefix + filter, qos] as const),
      ),
    );
    // A filter that is there already is not sent again: the broker would repeat all it has kept for it.
    const kept = new Set(sessionPresent ? await memory.subscribed() : []);
    const gone = [...kept].map((key) => key.slice(2)).filter((filter) => !wanted.has(filter));
    const fresh = [...wanted].filter(([filter, qos]) => !kept.has(`${qos} ${filter}`));
    if (gone.length > 0) await client.unsubscribeAsync(gone);
    const refused = new Set<string>();
    if (fresh.length > 0) {
      const map = Object.fromEntries(fresh.map(([filter, qos]) => [filter, { qos }]));
      const granted = await client.subscribeAsync(map).catch((error: unknown) => {
        // Where all were refused the library rejects instead of saying so of each.
        if (client.connected) return [];
        throw error;
      });
      const accepted = new Set(granted.filter(({ qos }) => qos < 128).map(({ topic }) => topic));
      for (const [filter] of fresh) if (!accepted.has(filter)) refused.add(filter);
    }
    await memory.keepSubscribed(
      [...wanted].filter(([filter]) => !refused.has(filter)).map(([filter, qos]) => `${qos} ${filter}`),
    );
    return [...refused];
  }
}
