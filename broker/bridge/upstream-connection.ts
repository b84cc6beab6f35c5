import mqtt, { Store } from 'mqtt';
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import type { Delivered } from './intake.js';
import { AckQueue } from './ack-queue.js';

/** What is under way between the other broker and the log, counted over all connections of a bridge. */
export interface Flow {
  messages: number;
  bytes: number;
}

export interface ConnectionParts {
  readonly url: string;
  readonly options: IClientOptions;
  readonly flow: Flow;
  readonly most: Flow;
  /**
   * Resolves when the message is handed over, so that the next may come; `done` is called once, without an
   * error only when it may be acknowledged.
   */
  readonly take: (message: Delivered, done: (error?: Error) => void) => Promise<void>;
  readonly onConnected: (connection: UpstreamConnection, sessionPresent: boolean) => Promise<void>;
}

/** Tells the library that a message was dealt with and that it is not to acknowledge it. */
const weAcknowledge = new Error('acknowledged when it is on disk');

/**
 * One connection to somebody else's broker, from CONNECT to its end. Every message is acknowledged when it is
 * on disk and not before, in order; when too much is under way no more is read, so that TCP stops the sender.
 * The acknowledgement goes to the connection that the message came from or nowhere: on another one its packet
 * id may be that of another message.
 */
export class UpstreamConnection {
  readonly client: MqttClient;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
  readonly #parts: ConnectionParts;
  readonly #acks = new AckQueue();
  #failure: string | undefined;
  #resume: (() => void) | undefined;
  #stopping = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { url, options } = parts;
    this.client = mqtt.connect(url, {
      ...options,
      reconnectPeriod: 0,
      resubscribe: false,
      incomingStore: new DurableStore((packet, done) => this.#receive(packet, done)),
    });
    const { client } = this;
    client.handleMessage = (packet, callback) => {
      const { qos } = packet;
      // Of QoS 2 the store has it already: what calls now is PUBREL.
      if (qos === 2) callback();
      else this.#receive(packet, () => callback(weAcknowledge));
    };
    client.on('error', (error) => (this.#failure ??= error.message || 'it does not answer'));
    client.on('connect', ({ sessionPresent }) => {
      parts
        .onConnected(this, sessionPresent)
        .catch((error: unknown) => this.fail(error instanceof Error ? error.message : String(error)));
    });
    this.closed = new Promise((resolve) => {
      client.once('close', () => resolve(this.#failure ?? 'the connection was closed'));
    });
  }

  /** Ends the connection, for this reason where there was none before. What is not acknowledged comes again. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.#stopping = true;
    this.client.stream.destroy();
  }

  /** Reads no more; what was read is still acknowledged. */
  stopReading(): void {
    this.#stopping = true;
  }

  /** To be called after something under way was answered. */
  release(): void {
    if (this.#stopping || !this.#hasRoom()) return;
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  #hasRoom(): boolean {
    const { flow, most } = this.#parts;
    return flow.messages < most.messages && flow.bytes < most.bytes;
  }

  #receive(packet: IPublishPacket, next: () => void): void {
    const { flow, take } = this.#parts;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const isDue = packet.qos === 1 ? this.#acks.enter(() => this.#acknowledge(packet)) : undefined;
    flow.messages++;
    flow.bytes += payload.length;
    const isTwo = packet.qos === 2;
    const done = (error?: Error) => {
      flow.messages--;
      flow.bytes -= payload.length;
      if (error !== undefined) this.fail(`the reading log does not answer: ${error.message}`);
      else {
        isDue?.();
        // PUBREC is the library's: it follows when the store says that it has the message.
        if (isTwo) next();
      }
    };
    take({ topic: packet.topic, payload, retained: packet.retain }, done).then(
      () => {
        if (isTwo) return;
        if (!this.#stopping && this.#hasRoom()) next();
        else this.#resume = next;
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #acknowledge({ messageId }: IPublishPacket): void {
    const { stream, options } = this.client;
    if (stream.destroyed || messageId === undefined) return;
    const version = options.protocolVersion === 5 ? 5 : 4;
    stream.write(generate({ cmd: 'puback', messageId, reasonCode: 0 }, { protocolVersion: version }));
  }
}

/**
 * Where the library keeps QoS 2 messages between PUBLISH and PUBREL: ours is the reading log, so that PUBREC
 * is sent when the message is on disk. We ask for QoS 1 at most; a session from before may hold others.
 */
class DurableStore extends Store {
  readonly #append: (packet: IPublishPacket, done: () => void) => void;

  constructor(append: (packet: IPublishPacket, done: () => void) => void) {
    super();
    this.#append = append;
  }

  override put(packet: Parameters<Store['put']>[0], done: Parameters<Store['put']>[1]): this {
    this.#append(packet as IPublishPacket, () => done());
    return this;
  }

  override get(_packet: unknown, callback: Parameters<Store['get']>[1]): this {
    callback(new Error('it is in the log'));
    return this;
  }
}
