import type { Client, PublishPacket } from 'aedes';
import { clientOfAccount } from '../ingest/log/bridge-name.js';
import type { MessageRecord } from '../ingest/log/frame.js';
import type { LogWriter } from '../ingest/log/log.js';
import type { Clock } from '../runtime/clock.js';
import type { ClientConnection } from './client-connection.js';
import type { InboundPublish } from './guard/publish-parser.js';
import { ProtocolViolation } from './guard/violation.js';
import type { ReadGate } from './read-gate.js';
import type { RegisteredDevices, Standing } from './redis-registered-devices.js';
import type { OwnTopic, Session } from './session.js';
import { encodeReply } from './wire.js';
import type { OutboundMessage } from './wire.js';

/** Of a payload that is too large, this much is kept as evidence. */
const evidenceBytes = 4096;
/** No topic of ours is nearly as long (DESIGN: Topics); of another this much is kept, in characters. */
const longestForeignTopic = 512;

/** The latency of one message in so many is measured. */
const sampleEvery = 16;

export interface PublishHookParts {
  readonly log: LogWriter;
  readonly gate: ReadGate<ClientConnection>;
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
  /** QoS 2 messages of one client that await its PUBREL, after which it is misbehaving. */
  readonly mostQos2: number;
  readonly connectionOf: (client: Client) => ClientConnection | undefined;
  readonly onMessage: (payloadBytes: number) => void;
  /** Told of one in some messages how long its PUBACK or PUBREC took, ms. */
  readonly onAnswered: (ms: number) => void;
  readonly onUnlogged: (connection: ClientConnection, error: Error) => void;
  /** Who may be spoken for by somebody else. */
  readonly registered: Pick<RegisteredDevices, 'atHand' | 'standing'>;
  /** Takes it when it is a device's claim to credentials; false: it is a message like any other. */
  readonly claim: (
    connection: ClientConnection,
    message: InboundPublish,
    done: (error?: Error) => void,
  ) => boolean;
  /** Hands a message that is on disk to those who may hear it; undefined where they hear it from the log. */
  readonly route: ((message: OutboundMessage) => void) | undefined;
}

/**
 * What happens to a message: into the log, then to its subscribers, and only then its PUBACK or PUBREC, so
 * that an acknowledged message is on disk. One that may not be published under its topic is taken all the
 * same, marked, because refusing it would disconnect an MQTT 3.1.1 client, which would then send it again
 * for ever.
 */
export class PublishHook {
  readonly #parts: PublishHookParts;
  #messages = 0;
  #stopping = false;

  constructor(parts: PublishHookParts) {
    this.#parts = parts;
  }

  /** From now on connections end because of us: no Will is taken. */
  stop(): void {
    this.#stopping = true;
  }

  /** Takes a PUBLISH. @throws ProtocolViolation `too_many_qos2`; `not_allowed` to an operator */
  onPublish(connection: ClientConnection, message: InboundPublish): void {
    const { session, state } = connection;
    if (session === undefined || state === undefined) return;
    if (session.account?.kind === 'operator') {
      throw new ProtocolViolation('not_allowed', 'an operator does not publish');
    }
    const { id, qos } = message;
    if (qos === 2) {
      const known = state.inbound.get(id);
      // Sent again: it is answered once more, and goes nowhere a second time [MQTT-4.3.3-2].
      if (known === 'taken') connection.reply('pubrec', id);
      if (known !== undefined) return;
      const { mostQos2 } = this.#parts;
      if (state.inbound.size >= mostQos2) {
        throw new ProtocolViolation('too_many_qos2', `${mostQos2} messages of QoS 2 without PUBREL`);
      }
      state.inbound.set(id, 'logging');
    }
    const startedAt = ++this.#messages % sampleEvery === 0 ? performance.now() : undefined;
    const settle = (error?: Error, own?: OwnTopic) => {
      if (error !== undefined) {
        // Never acknowledged: the client sends it again to whoever answers next.
        if (qos === 2) state.inbound.delete(id);
        return;
      }
      if (own !== undefined) this.#route(message, own);
      if (qos === 1) connection.reply('puback', id);
      else if (qos === 2) {
        if (state.inbound.has(id)) state.inbound.set(id, 'taken');
        // The session may have moved to another connection of its client meanwhile.
        if (connection.ended) state.link?.send(encodeReply('pubrec', id));
        else connection.reply('pubrec', id);
      }
      if (startedAt !== undefined && qos > 0) this.#parts.onAnswered(performance.now() - startedAt);
    };
    if (session.claim !== undefined && this.#parts.claim(connection, message, settle)) return;
    this.#take(connection, session, message, settle);
  }

  /**
   * The `authorizePublish` of Aedes, which asks it for Wills alone; Aedes publishes the Will when `callback`
   * is called without an error. Never throws.
   */
  onWill(client: Client | null, will: PublishPacket, callback: (error?: Error | null) => void): void {
    const connection = client === null ? undefined : this.#parts.connectionOf(client);
    if (connection?.session === undefined || connection.session.account?.kind === 'operator') {
      callback(new Error('a Will of nobody'));
      return;
    }
    // Nobody was told that it is kept, and the room that is left is for settling what was.
    if (this.#parts.gate.closed || this.#stopping) {
      callback(new Error('no Will is taken now'));
      return;
    }
    const payload = typeof will.payload === 'string' ? Buffer.from(will.payload) : will.payload;
    const { topic, qos, retain } = will;
    this.#take(connection, connection.session, { topic, payload, qos, retain }, (error, own) => {
      if (own === undefined) callback(error ?? new Error('a Will that is not of a device of its client'));
      else {
        if (!own.retained) will.retain = false;
        callback(null);
      }
    });
  }

  /** @param done told of a durable message whose it is, where it is one that others may hear as a device's */
  #take(
    connection: ClientConnection,
    session: Session,
    message: Published,
    done: (error: Error | undefined, own: OwnTopic | undefined) => void,
  ): void {
    const own = session.ownTopic(message.topic);
    this.#confirm(connection, own, (error, standing) => {
      if (error !== undefined) {
        done(error, undefined);
        connection.destroy();
        this.#parts.onUnlogged(connection, error);
        return;
      }
      // Of another site or class it would be written under the wrong tags.
      const confirmed = standing === 'elsewhere' ? undefined : own;
      const unregistered = session.claim !== undefined || standing === 'unregistered';
      const shard = own?.shard ?? session.shard;
      const client = own?.client ?? session.client;
      this.#log(connection, session, message, { own: confirmed, client, unregistered, shard }, (failure) =>
        done(failure, unregistered ? undefined : confirmed),
      );
    });
  }

  /** Asks how the device stands that somebody else speaks for; nothing further is read until that is known. */
  #confirm(
    connection: ClientConnection,
    own: OwnTopic | undefined,
    done: (error: Error | undefined, standing: Standing) => void,
  ): void {
    const { spokenFor } = own ?? {};
    if (spokenFor === undefined) {
      done(undefined, 'registered');
      return;
    }
    const { registered } = this.#parts;
    const { site, deviceClass, device: id } = spokenFor;
    const known = registered.atHand({ id, deviceClass }, site);
    if (known !== undefined) {
      done(undefined, known);
      return;
    }
    connection.hold('registry');
    registered.standing([{ id, deviceClass }], site).then(
      ([standing = 'unregistered']) => {
        done(undefined, standing);
        connection.release('registry');
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), 'unregistered'),
    );
  }

  #log(
    connection: ClientConnection,
    session: Session,
    message: Published,
    from: From,
    done: (error: Error | undefined) => void,
  ): void {
    const { log, gate, clock, maxPayloadBytes, onMessage, onUnlogged } = this.#parts;
    const { own, unregistered, shard } = from;
    const keeps = this.#parts.route === undefined && own?.retained === true && !unregistered;
    const limits = { maxPayloadBytes, arrivedAt: clock.now(), retain: keeps && message.retain };
    const record = toRecord(session, message, from, limits);
    session.inFlight++;
    const held = record.payload.length + record.topic.length;
    gate.enter(held);
    onMessage(message.payload.length + message.topic.length);
    log.append(shard, record, (error) => {
      session.inFlight--;
      gate.leave(held);
      done(error);
      if (error !== undefined) {
        connection.destroy();
        onUnlogged(connection, error);
      } else connection.settled();
    });
  }

  #route({ topic, payload, qos, retain }: InboundPublish, own: OwnTopic): void {
    this.#parts.route?.({ topic, payload, qos, retain: retain && own.retained });
  }
}

/** Whose a message is; `unregistered`: by its own word only, so it is not heard as a device's. */
interface From {
  readonly own: OwnTopic | undefined;
  /** Also where the registry has it at another site, or as another class. */
  readonly client: string;
  readonly unregistered: boolean;
  /** That of the site in the topic, also where it turns out not to be the device's. */
  readonly shard: number;
}

type Published = Pick<InboundPublish, 'topic' | 'payload' | 'qos' | 'retain'>;

interface RecordLimits {
  readonly maxPayloadBytes: number;
  readonly arrivedAt: number;
  /** Whether it is kept for later subscribers. */
  readonly retain: boolean;
}

/** Written out, with the same keys every time: copying an object for each message slows all that reads it. */
function toRecord(
  session: Session,
  { topic, payload, qos }: Published,
  { own, client, unregistered }: From,
  { maxPayloadBytes, arrivedAt, retain }: RecordLimits,
): MessageRecord {
  const fits = payload.length <= maxPayloadBytes;
  return {
    kind: 'message',
    arrivedAt,
    client,
    topic: own === undefined ? topic.slice(0, longestForeignTopic) : topic,
    address: own !== undefined && fits && !unregistered ? own.address : undefined,
    payload: fits ? payload : payload.subarray(0, evidenceBytes),
    qos0: qos === 0,
    retain,
    foreignTopic: own === undefined,
    unregistered,
    cutFrom: fits ? undefined : payload.length,
    via: session.account === undefined ? undefined : clientOfAccount(session.account.name),
  };
}
