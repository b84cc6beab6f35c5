import { mqttText } from './packet-fields.js';
import type { Qos } from './check-subscribe.js';
import { checkTopicName } from './topic-syntax.js';
import { ProtocolViolation } from './violation.js';

/** A PUBLISH of a client. The payload is a view of the socket's memory: to be copied by who keeps it. */
export interface InboundPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Packet identifier; 0 with QoS 0. */
  readonly id: number;
}

/** Takes the PUBLISH packets of one connection apart. Most have the topic of the one before, which is reused. */
export class PublishParser {
  #topic = '';
  #topicBytes: Uint8Array = new Uint8Array();

  /** @throws ProtocolViolation */
  parse(bytes: Buffer, header: number, start: number, end: number): InboundPublish {
    const qos = ((header >> 1) & 3) as Qos;
    const topicStart = start + 2;
    const topicEnd = topicStart + (topicStart > end ? 0 : bytes.readUInt16BE(start));
    const payloadStart = topicEnd + (qos === 0 ? 0 : 2);
    if (payloadStart > end || topicStart > end) {
      throw new ProtocolViolation('truncated', 'a PUBLISH that ends in its variable header');
    }
    const topic = this.#topicIn(bytes, topicStart, topicEnd);
    const id = qos === 0 ? 0 : bytes.readUInt16BE(topicEnd);
    if (qos !== 0 && id === 0) throw new ProtocolViolation('packet_id', 'packet identifier 0'); // [MQTT-2.3.1-1]
    return { topic, payload: bytes.subarray(payloadStart, end), qos, retain: (header & 1) === 1, id };
  }

  #topicIn(bytes: Buffer, start: number, end: number): string {
    const last = this.#topicBytes;
    let same = last.length === end - start && end > start;
    for (let i = 0; same && i < last.length; i++) same = last[i] === bytes[start + i];
    if (same) return this.#topic;
    const topic = mqttText(bytes, start, end);
    checkTopicName(topic);
    this.#topic = topic;
    this.#topicBytes = Uint8Array.prototype.slice.call(bytes, start, end);
    return topic;
  }
}
