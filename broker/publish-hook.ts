import type { Client, PublishPacket } from 'aedes';
import type { MessageRecord } from '../ingest/log/frame.js';
import type { LogWriter } from '../ingest/log/log.js';
import type { Clock } from '../runtime/clock.js';
import type { ReadGate } from './read-gate.js';
import type { OwnTopic, Session } from './session.js';

/** Of a payload that is too large, this much is kept as evidence. */
const evidenceBytes = 4096;

export interface PublishHookParts {
  readonly log: LogWriter;
  readonly gate: ReadGate;
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
  readonly sessionOf: (client: Client) => Session | undefined;
  readonly onMessage: (payloadBytes: number) => void;
  readonly onUnlogged: (client: Client, error: Error) => void;
}

/**
 * The `authorizePublish` of the broker, and the one place that decides about a PUBACK: Aedes sends it when
 * `callback` is called, and that is when the message is on disk. A message that may not be published under
 * its topic is taken all the same, marked, because refusing it would disconnect an MQTT 3.1.1 client, which
 * would then send it again for ever. Never throws.
 */
export function createPublishHook(parts: PublishHookParts) {
  const { log, gate, clock, maxPayloadBytes, sessionOf, onMessage, onUnlogged } = parts;
  return (client: Client | null, packet: PublishPacket, callback: (error?: Error | null) => void): void => {
    if (client === null) {
      callback(null); // the broker's own
      return;
    }
    const session = sessionOf(client);
    if (session === undefined) {
      callback(new Error('not authenticated'));
      return;
    }
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const size = payload.length;
    const own = session.topics.get(packet.topic);
    if (own?.retained !== true) packet.retain = false;
    const record = toRecord(session, packet.topic, own, payload, maxPayloadBytes, clock.now());
    session.lastSeenAt = record.arrivedAt;
    session.inFlight++;
    const held = record.payload.length;
    gate.enter(held);
    onMessage(size);
    log.append(session.shard, record, (error) => {
      session.inFlight--;
      gate.leave(held);
      if (error === undefined) callback(null);
      else {
        // Never acknowledged: the device sends it again to whoever answers next.
        client.conn.destroy();
        onUnlogged(client, error);
      }
    });
  };
}

function toRecord(
  session: Session,
  topic: string,
  own: OwnTopic | undefined,
  payload: Buffer,
  maxPayloadBytes: number,
  arrivedAt: number,
): MessageRecord {
  const kind = 'message';
  const client = session.device;
  const fits = payload.length <= maxPayloadBytes;
  if (own !== undefined && fits) return { kind, arrivedAt, client, topic, address: own.address, payload };
  return {
    kind,
    arrivedAt,
    client,
    topic,
    payload: fits ? payload : payload.subarray(0, evidenceBytes),
    foreignTopic: own === undefined,
    cutFrom: fits ? undefined : payload.length,
  };
}
