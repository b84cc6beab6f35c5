import type { AedesClient } from './aedes-client.js';
import { checkConnect } from './guard/check-connect.js';
import { parseSubscribe, parseUnsubscribe } from './guard/check-subscribe.js';
import type { WantedFilter } from './guard/check-subscribe.js';
import { PacketFields } from './guard/packet-fields.js';
import { PacketReader } from './guard/packet-reader.js';
import { packetType } from './guard/packet-type.js';
import { PublishParser } from './guard/publish-parser.js';
import type { InboundPublish } from './guard/publish-parser.js';
import { ProtocolViolation } from './guard/violation.js';
import { KeepAlive } from './keep-alive.js';
import type { Wish } from './limits/admission.js';
import type { ClientPace } from './limits/publish-pace.js';
import type { Connection } from './listeners/connection.js';
import { Output } from './output.js';
import type { Link } from './outbox.js';
import type { Session } from './session.js';
import type { SessionState } from './session-states.js';
import { encodePublish, encodeRefusal, encodeReply, pingresp } from './wire.js';
import type { OutboundMessage } from './wire.js';

/** Who acts on what a connection brings. What they throw closes that connection, and no more. */
export interface ConnectionHandlers {
  /** Why a packet may not be taken now; then `release` with that reason follows. Undefined when it may. */
  readonly whyWait: (connection: ClientConnection, wish: Wish) => HoldReason | undefined;
  readonly publish: (connection: ClientConnection, message: InboundPublish) => void;
  /** To be answered; nothing further is read until `done`. */
  readonly subscribe: (
    connection: ClientConnection,
    id: number,
    wanted: WantedFilter[],
    done: () => void,
  ) => void;
  readonly unsubscribe: (
    connection: ClientConnection,
    id: number,
    filters: string[],
    done: () => void,
  ) => void;
  /** Packets came from the client, of whatever type. */
  readonly seen: (connection: ClientConnection) => void;
  /** So many bytes are kept of a packet that isn't complete, 0: of none; `anew`: it is another than the last time. */
  readonly begun: (connection: ClientConnection, bytes: number, anew: boolean) => void;
  /** Told before the connection is closed for it; anything but a ProtocolViolation is a mistake of ours. */
  readonly violation: (connection: ClientConnection, violation: unknown) => void;
  /** It ended, in whatever way; called once, before anything else learns of it. */
  readonly ended: (connection: ClientConnection) => void;
  /** A message of QoS 0 was not sent because the client does not read. */
  readonly skipped: (connection: ClientConnection) => void;
  /** The client read nothing, or too little, for so long that its connection was closed. */
  readonly stuck: (connection: ClientConnection) => void;
}

export interface ConnectionLimits {
  /** Size of a CONNECT packet. */
  readonly connectBytes: number;
  /** Size of any later packet. */
  readonly packetBytes: number;
  /** Bytes that wait for a client that reads slowly before messages of QoS 0 are left out. */
  readonly outputBytes: number;
  /** Wall time a client may read nothing while bytes wait for it. */
  readonly drainMs: number;
}

/** Why a connection is not being read; `in_flight` and `output` come and go by themselves. */
export type HoldReason = 'connecting' | 'control' | 'claim' | 'registry' | 'in_flight' | 'output' | 'rate';

/** Packets that cost something and are sent of the client's own accord: they come at its pace. */
const wishes: readonly (Wish | undefined)[] = Object.assign(Array<Wish | undefined>(16).fill(undefined), {
  [packetType.publish]: 'publish',
  [packetType.subscribe]: 'control',
  [packetType.unsubscribe]: 'control',
  [packetType.pingreq]: 'control',
});

/** After so many packets the others have their turn: a chunk of a socket may hold thirty thousand. */
const packetsPerTurn = 256;

/** How long a client that was refused may take to read why. */
const lingerMs = 1000;

/**
 * A client's connection, over TCP, TLS or WebSocket: the bytes are read here, cut into packets and checked
 * before anybody believes them. Aedes gets the CONNECT alone, through the `read(null)` it calls; all other
 * packets are ours, because Aedes answers some of them too early, out of order or not at all.
 */
export class ClientConnection implements Link {
  /** How it came here, over which stream. */
  readonly incoming: Connection;
  /** Set when the client is who it says it is. */
  session: Session | undefined;
  /** What MQTT keeps of the client, set together with the session. */
  state: SessionState | undefined;
  /** How fast the client may publish, set together with the session. */
  pace: ClientPace | undefined;
  readonly #limits: ConnectionLimits;
  readonly #on: ConnectionHandlers;
  readonly #reader: PacketReader;
  readonly #publishes = new PublishParser();
  readonly #output: Output;
  readonly #holds = new Set<HoldReason>();
  readonly #read: () => Buffer | null;
  #client: AedesClient | undefined;
  #keepAlive: KeepAlive | undefined;
  /** Seconds without a packet, times one and a half, after which it is closed; set before `open`. */
  keepAliveS = 0;
  #connect: Buffer | null = null;
  /** A packet whose answer waits for the messages sent before it. */
  #afterMessages: (() => void) | undefined;
  #pumping = false;
  #refused = false;
  /** Whether a packet has begun and is not complete. */
  #hasBegun = false;
  #ended = false;
  /** Number of the last message routed here, as one message may match several subscriptions. */
  lastRouted = 0;

  constructor(incoming: Connection, limits: ConnectionLimits, handlers: ConnectionHandlers) {
    this.incoming = incoming;
    this.#limits = limits;
    this.#on = handlers;
    const { stream } = incoming;
    this.#reader = new PacketReader(limits.connectBytes);
    this.#output = new Output(stream, limits.drainMs, () => incoming.takenBytes(), {
      congested: () => this.hold('output'),
      drained: () => {
        this.state?.outbox.flush();
        this.release('output');
      },
      stuck: () => {
        this.#on.stuck(this);
        this.destroy();
      },
    });
    this.#read = () => read(undefined) as Buffer | null;
    const read = stream.read.bind(stream);
    stream.read = (size?: number | null) => {
      // Sized reads are the stream's own; only Aedes asks for "all there is".
      if (size !== null) return read(size) as Buffer | null;
      const connect = this.#connect;
      this.#connect = null;
      return connect;
    };
    // Before those of Aedes, so that it finds the CONNECT, and so that we know first of an end.
    stream.on('readable', () => this.#pump());
    for (const event of ['end', 'close', 'error']) stream.on(event, () => this.end());
  }

  /** Binds it to the client that Aedes made of it. */
  bind(client: AedesClient): void {
    this.#client = client;
    const close = client.close.bind(client);
    client.close = (done) => {
      this.end();
      close(done);
    };
  }

  get client(): AedesClient {
    if (this.#client === undefined) throw new Error('a connection without its client');
    return this.#client;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get inFlight(): number {
    return this.session?.inFlight ?? 0;
  }

  /** Its client has proven who it is. */
  get isKnown(): boolean {
    return this.session !== undefined;
  }

  /** It is not being read now. */
  get isHeld(): boolean {
    return this.#holds.size > 0;
  }

  get congested(): boolean {
    return this.#output.congested;
  }

  /** CONNACK is out: what the client sent after its CONNECT is read now. */
  open(): void {
    this.#reader.maxBytes = this.#limits.packetBytes;
    const { keepAliveS } = this;
    if (keepAliveS > 0) {
      this.#keepAlive = new KeepAlive(
        keepAliveS,
        () => this.isHeld,
        () => this.destroy(),
      );
    }
    this.release('connecting');
  }

  /** Stops reading until `release` with the same reason. */
  hold(reason: HoldReason): void {
    this.#holds.add(reason);
  }

  release(reason: HoldReason): void {
    if (!this.#holds.delete(reason) || this.#holds.size > 0 || this.#pumping || this.#ended) return;
    this.#keepAlive?.refresh();
    // Also wakes Aedes, which may have a CONNECT to read.
    this.incoming.stream.emit('readable');
  }

  /** To be called when a message was answered. */
  settled(): void {
    if (this.inFlight > 0 || this.#afterMessages === undefined || this.#ended) return;
    const work = this.#afterMessages;
    this.#afterMessages = undefined;
    try {
      work();
    } catch (error) {
      this.#violated(error);
    }
  }

  send(bytes: Buffer): void {
    if (!this.#ended) this.#output.send(bytes);
  }

  reply(type: Parameters<typeof encodeReply>[0], id: number): void {
    this.send(encodeReply(type, id));
  }

  /** Sends a message to the client, or leaves it out when too much waits already; says whether it was taken. */
  deliver(message: OutboundMessage): boolean {
    if (message.qos > 0) return this.state?.outbox.push(message) ?? false;
    const hasRoom = this.#output.bytes < this.#limits.outputBytes;
    if (hasRoom) this.send(encodePublish(message, 0, false));
    else this.#on.skipped(this);
    return hasRoom;
  }

  /** Takes no further packet; what was taken is still answered. */
  stopReading(): void {
    this.#holds.add('control');
    this.incoming.stream.removeAllListeners('readable');
  }

  /** Cuts it because of us: no Will is due. */
  cut(): void {
    this.client.will = null;
    this.destroy();
  }

  /** Cuts it; a Will is due. */
  destroy(): void {
    this.end();
    this.incoming.stream.destroy();
  }

  /** It is over: nothing more comes in or goes out. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#keepAlive?.stop();
    this.#output.close();
    if (this.#hasBegun) this.#on.begun(this, 0, true);
    this.#on.ended(this);
  }

  /** Reads and takes packets until there are no more or something holds. */
  #pump(): void {
    if (this.#refused) while (this.#read() !== null);
    if (this.#pumping || this.#ended) return;
    this.#pumping = true;
    try {
      let taken = 0;
      while (this.#holds.size === 0 && !this.ended) {
        if (taken === packetsPerTurn) {
          setImmediate(() => this.#pump());
          break;
        }
        const wish = wishes[(this.#reader.peeked ?? 0) >> 4];
        const wait = wish === undefined ? undefined : this.#on.whyWait(this, wish);
        if (wait !== undefined) this.hold(wait);
        else if (this.#reader.next()) {
          this.#take(this.#reader);
          taken++;
        } else {
          const chunk = this.#read();
          if (chunk === null) {
            this.#noteBegun(taken > 0);
            break;
          }
          this.#reader.push(chunk);
        }
      }
      // [MQTT-3.1.2-24]: any packet counts.
      if (taken > 0) {
        this.#keepAlive?.refresh();
        this.#on.seen(this);
      }
    } catch (error) {
      this.#violated(error);
    } finally {
      this.#pumping = false;
    }
  }

  #noteBegun(anew: boolean): void {
    this.#reader.compact();
    const { kept } = this.#reader;
    if (kept === 0 && !this.#hasBegun) return;
    this.#hasBegun = kept > 0;
    this.#on.begun(this, kept, anew);
  }

  #take({ bytes, header, begin, start, end }: PacketReader): void {
    const type = header >> 4;
    if (type === packetType.publish) {
      this.#on.publish(this, this.#publishes.parse(bytes, header, start, end));
      return;
    }
    if (wishes[type] === 'control') this.pace?.took(0, performance.now());
    const fields = new PacketFields(bytes, start, end);
    switch (type) {
      case packetType.connect:
        checkConnect(fields);
        this.incoming.onConnectRead();
        this.#reader.expectConnect = false;
        this.#connect = Buffer.from(bytes.subarray(begin, end));
        this.hold('connecting');
        break;
      case packetType.subscribe: {
        const { id, wanted } = parseSubscribe(fields);
        this.#control((done) => this.#on.subscribe(this, id, wanted, done));
        break;
      }
      case packetType.unsubscribe: {
        const { id, filters } = parseUnsubscribe(fields);
        this.#control((done) => this.#on.unsubscribe(this, id, filters, done));
        break;
      }
      case packetType.pingreq:
        fields.finish();
        // Its answer says that what was sent before has been dealt with.
        this.#control((done) => {
          this.send(pingresp);
          done();
        });
        break;
      case packetType.disconnect:
        fields.finish();
        this.client.will = null; // [MQTT-3.14.4-3]
        this.#leave();
        break;
      default:
        this.#takeReply(type, fields);
    }
  }

  /** The client said good-bye: what it was answered before that still goes out. */
  #leave(): void {
    const { stream } = this.incoming;
    this.#output.flush();
    this.end();
    stream.end(() => stream.destroy());
    setTimeout(() => stream.destroy(), lingerMs).unref();
  }

  /** Does the work when the messages sent before are done with, and takes nothing more until it is done. */
  #control(work: (done: () => void) => void): void {
    this.hold('control');
    this.#afterMessages = () => work(() => this.release('control'));
    this.settled();
  }

  #takeReply(type: number, fields: PacketFields): void {
    const id = fields.packetId();
    fields.finish();
    const { state } = this;
    if (type === packetType.puback) state?.outbox.acknowledged(id);
    else if (type === packetType.pubrec) state?.outbox.received(id);
    else if (type === packetType.pubcomp) state?.outbox.completed(id);
    else {
      // PUBREL: answered whether or not the message is known, or its sender could never forget it.
      state?.inbound.delete(id);
      this.reply('pubcomp', id);
    }
  }

  #violated(violation: unknown): void {
    this.#on.violation(this, violation);
    const returnCode = violation instanceof ProtocolViolation ? violation.returnCode : undefined;
    if (returnCode === undefined || this.#ended) {
      this.destroy();
      return;
    }
    this.#refused = true;
    this.end();
    this.incoming.stream.end(encodeRefusal(returnCode));
    setTimeout(() => this.incoming.stream.destroy(), lingerMs).unref();
  }
}
