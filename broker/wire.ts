import { packetType } from './guard/packet-type.js';

/** A message on its way to a client. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Told when the client has acknowledged it (QoS 1). */
  readonly onAcknowledged?: () => void;
}

/** PUBLISH to a client; `id` is left out of QoS 0. */
export function encodePublish(message: OutboundMessage, id: number, dup: boolean): Buffer {
  const { topic, payload, qos, retain } = message;
  const topicBytes = Buffer.byteLength(topic);
  const remaining = 2 + topicBytes + (qos > 0 ? 2 : 0) + payload.length;
  const bytes = Buffer.allocUnsafe(1 + lengthOf(remaining) + remaining);
  bytes[0] = (packetType.publish << 4) | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  let at = writeLength(bytes, remaining);
  at = bytes.writeUInt16BE(topicBytes, at);
  at += bytes.write(topic, at);
  if (qos > 0) at = bytes.writeUInt16BE(id, at);
  payload.copy(bytes, at);
  return bytes;
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK: four bytes each. */
export function encodeReply(
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'unsuback',
  id: number,
): Buffer {
  return Buffer.from([(packetType[type] << 4) | (type === 'pubrel' ? 2 : 0), 2, id >> 8, id & 255]);
}

/** SUBACK with a return code for each filter, in order: the granted QoS, or 0x80. */
export function encodeSuback(id: number, codes: readonly number[]): Buffer {
  const remaining = 2 + codes.length;
  const bytes = Buffer.allocUnsafe(1 + lengthOf(remaining) + remaining);
  bytes[0] = packetType.suback << 4;
  const at = bytes.writeUInt16BE(id, writeLength(bytes, remaining));
  bytes.set(codes, at);
  return bytes;
}

/** CONNACK that refuses: never with a session present [MQTT-3.2.2-4]. */
export function encodeRefusal(returnCode: number): Buffer {
  return Buffer.from([packetType.connack << 4, 2, 0, returnCode]);
}

export const pingresp = Buffer.from([packetType.pingresp << 4, 0]);

function lengthOf(remaining: number): number {
  return remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4;
}

function writeLength(bytes: Buffer, remaining: number): number {
  let at = 1;
  let rest = remaining;
  do {
    const byte = rest & 127;
    rest >>= 7;
    bytes[at++] = rest > 0 ? byte | 128 : byte;
  } while (rest > 0);
  return at;
}
