import { Aedes } from 'aedes';
import type { AedesOptions, AedesPublishPacket, Client, PublishPacket } from 'aedes';
import type { AedesClient } from './aedes-client.js';
import { createPersistence } from './aedes-persistence.js';
import { ClientConnection } from './client-connection.js';
import type { ConnectionHandlers, ConnectionLimits } from './client-connection.js';
import type { Qos } from './guard/check-subscribe.js';
import type { Connection } from './listeners/connection.js';
import type { RetainedMessages } from './retained-messages.js';
import { highestGrant } from './session-states.js';
import type { SessionStates } from './session-states.js';
import { levelsOf, maxTopicLevels } from './subscribe-hook.js';
import type { OutboundMessage } from './wire.js';

type Done = (error?: Error) => void;

export interface FrontDoorHandlers extends Omit<ConnectionHandlers, 'ended'> {
  /** The client was let in and has its CONNACK. */
  readonly opened: (connection: ClientConnection) => void;
  /** The connection is over; `wasOpen`: it had been opened before. */
  readonly ended: (connection: ClientConnection, wasOpen: boolean) => void;
}

interface FrontDoorParts {
  /**
   * Whether clients hear each other as soon as something is published. Otherwise `route` is called for what the
   * log has, and a client that can't keep up with it is closed, to know that it missed something.
   */
  readonly direct: boolean;
  readonly states: SessionStates;
  readonly retained: RetainedMessages;
  readonly limits: ConnectionLimits;
  readonly handlers: FrontDoorHandlers;
}

/** What Aedes 1.2 has and does not declare. */
interface Undeclared {
  readonly clients: Record<string, Client>;
  /** Number of the last message; every delivery has the number of its message. */
  counter: number;
  readonly mq: { emit(packet: AedesPublishPacket, done: () => void): void };
}

const nothing = () => undefined;

/**
 * Aedes, which lets clients in and out and knows who subscribed to what, with delivery of our own: its own
 * loses messages of QoS 1 beside ones of QoS 0, ignores the granted QoS of wildcards, and waits with all
 * clients for one that doesn't read.
 */
export class FrontDoor extends Aedes {
  readonly #parts: FrontDoorParts;
  readonly #connections = new WeakMap<Client, ClientConnection>();
  readonly #open = new Set<ClientConnection>();

  constructor(options: AedesOptions, parts: FrontDoorParts) {
    super({ ...options, maxTopicLevels, persistence: createPersistence(parts.states) });
    this.#parts = parts;
    this.on('clientReady', (client) => this.#onReady(this.connectionOf(client)));
  }

  /** Connections whose clients were let in. */
  get openConnections(): ReadonlySet<ClientConnection> {
    return this.#open;
  }

  /** Takes a new connection, over whatever transport. */
  accept(incoming: Connection): ClientConnection {
    const { limits, handlers } = this.#parts;
    const connection = new ClientConnection(incoming, limits, {
      ...handlers,
      ended: (ended) => this.#onEnded(ended),
    });
    const client = this.handle(incoming.stream) as AedesClient;
    this.#connections.set(client, connection);
    connection.bind(client);
    client.deliver0 = client.deliverQoS = (packet, done) => {
      this.#deliver(connection, packet);
      done();
    };
    return connection;
  }

  connectionOf(client: Client): ClientConnection {
    const connection = this.#connections.get(client);
    if (connection === undefined) throw new Error('a client without its connection');
    return connection;
  }

  /**
   * Hands a message to all who subscribed to its topic and may have it, and keeps it where it is retained.
   * What it was published with first leaves first, whatever its QoS.
   */
  route(message: OutboundMessage): void {
    const { topic, payload, qos, retain } = message;
    if (retain) this.#parts.retained.set(message);
    if (qos > 0) {
      for (const [state, granted] of this.#parts.states.awaiting(topic)) {
        const copy = Buffer.from(payload);
        state.outbox.push({ topic, payload: copy, qos: Math.min(qos, granted) as Qos, retain: false });
      }
    }
    const aedes = this as unknown as Undeclared;
    const brokerCounter = ++aedes.counter;
    const packet = {
      cmd: 'publish',
      brokerId: this.id,
      brokerCounter,
      topic,
      payload,
      qos,
      retain,
      dup: false,
    };
    // The matcher of Aedes throws on more levels. Such topics are rare, and everybody can be asked.
    if (levelsOf(topic) <= maxTopicLevels) aedes.mq.emit(packet as AedesPublishPacket, nothing);
    else for (const connection of this.#open) this.#deliver(connection, packet as AedesPublishPacket);
  }

  /** Sends what is kept in memory for filters that the client subscribed to. */
  sendRetained(connection: ClientConnection, granted: ReadonlyMap<string, Qos>): void {
    for (const [filter, most] of granted) {
      for (const message of this.#parts.retained.matching(filter)) {
        if (connection.session?.rights.mayReceive(message.topic) !== true) continue;
        connection.deliver({ ...message, qos: Math.min(message.qos, most) as Qos });
      }
    }
  }

  /**
   * What Aedes publishes itself: Wills, which are in the log by now, and `$SYS` messages, which are for other
   * brokers of its kind. Its types show (packet, done) only.
   */
  override publish(packet: PublishPacket, clientOrDone?: Client | Done | null, done?: Done): void {
    const { topic, payload, qos, retain } = packet;
    if (this.#parts.direct && !topic.startsWith('$SYS/')) {
      this.route({
        topic,
        payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
        qos,
        retain,
      });
    }
    (typeof clientOrDone === 'function' ? clientOrDone : done)?.();
  }

  /**
   * Called by Aedes when a client is gone. Its own version forgets whoever has the same id now, so that the
   * next takeover finds nobody to close.
   */
  unregisterClient(client: Client): void {
    const { clients } = this as unknown as Undeclared;
    if (clients[client.id] === client) Reflect.deleteProperty(clients, client.id);
    this.emit('clientDisconnect', client);
  }

  #onReady(connection: ClientConnection): void {
    const { session, state, client } = connection;
    if (connection.ended || session === undefined || state === undefined) return;
    this.#open.add(connection);
    this.#parts.states.attach(client.id, state, connection);
    this.#parts.handlers.opened(connection);
    connection.open();
  }

  #onEnded(connection: ClientConnection): void {
    const { state, client } = connection;
    if (state !== undefined) this.#parts.states.detach(client.id, state, connection);
    const wasOpen = this.#open.delete(connection);
    this.#parts.handlers.ended(connection, wasOpen);
  }

  /** One message for one client, though it may match several of its subscriptions [MQTT-3.3.5-1]. */
  #deliver(connection: ClientConnection, packet: AedesPublishPacket): void {
    const { session, state, client } = connection;
    if (state?.link !== connection || connection.lastRouted === packet.brokerCounter) return;
    connection.lastRouted = packet.brokerCounter;
    const { topic } = packet;
    if (session?.rights.mayReceive(topic) !== true) return;
    const grants = Object.entries(client.subscriptions).map(([filter, { qos }]) => [filter, qos] as const);
    const granted = highestGrant(grants, topic);
    if (granted === undefined) return;
    const qos = Math.min(packet.qos, granted) as Qos;
    // The bytes are a view of what a socket brought: what waits for an acknowledgement is kept apart.
    const payload = qos > 0 ? Buffer.from(packet.payload) : (packet.payload as Buffer);
    if (connection.deliver({ topic, payload, qos, retain: false }) || qos === 0 || this.#parts.direct) return;
    this.#parts.handlers.stuck(connection);
    connection.destroy();
  }
}
