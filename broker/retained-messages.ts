import { topicMatches } from './acl.js';
import type { OutboundMessage } from './wire.js';

/** The last message of each topic that was published with RETAIN, in memory. */
export class RetainedMessages {
  readonly #limit: number;
  readonly #messages = new Map<string, OutboundMessage>();
  #bytes = 0;
  /** Messages that were not kept because there was no room. */
  refused = 0;

  /** @param limit bytes of topics and payloads to keep at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a copy instead of the topic's last message; an empty payload only removes that [MQTT-3.3.1-10]. */
  set(message: OutboundMessage): void {
    const { topic, payload, qos } = message;
    const last = this.#messages.get(topic);
    if (last !== undefined) {
      this.#messages.delete(topic);
      this.#bytes -= sizeOf(last);
    }
    if (payload.length === 0) return;
    if (this.#bytes + sizeOf(message) > this.#limit) {
      this.refused++;
      return;
    }
    this.#messages.set(topic, { topic, payload: Buffer.from(payload), qos, retain: true });
    this.#bytes += sizeOf(message);
  }

  /** The messages of the topics that the filter matches. */
  *matching(filter: string): Generator<OutboundMessage> {
    if (!filter.includes('+') && !filter.includes('#')) {
      const message = this.#messages.get(filter);
      if (message !== undefined) yield message;
      return;
    }
    for (const message of this.#messages.values()) {
      if (topicMatches(filter, message.topic)) yield message;
    }
  }
}

function sizeOf({ topic, payload }: OutboundMessage): number {
  // Beside the bytes themselves an entry takes about this much.
  return 200 + topic.length + payload.length;
}
