import { encodePublish, encodeReply } from './wire.js';
import type { OutboundMessage } from './wire.js';

/** The connection that an outbox writes to. */
export interface Link {
  send(bytes: Buffer): void;
  /** Whether its client reads too slowly to be sent more now. */
  readonly congested: boolean;
}

/** Bytes that all outboxes together may keep. */
export class QueueBudget {
  readonly #limit: number;
  /** Bytes kept now, what each message costs beside its own included. */
  bytes = 0;
  /** Messages that were not queued because there was no room. */
  dropped = 0;
  /** Messages to a connected client that did not leave at once. */
  delayed = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(bytes: number): boolean {
    return this.bytes + bytes <= this.#limit;
  }
}

/** What one session may have under way. */
export interface OutboxLimits {
  /** Messages sent and not acknowledged, after which the next ones wait. */
  readonly unacknowledged: number;
  /** Messages waiting, after which further ones are dropped. */
  readonly waiting: number;
}

/** A message so large or smaller finds room at a client that has acknowledged everything, whoever hoards the rest. */
const smallBytes = 4096;

/** What a message costs while it is kept: beside its bytes about so much for the objects around them. */
function sizeOf({ topic, payload }: OutboundMessage): number {
  return 300 + topic.length + payload.length;
}

/**
 * The messages of QoS 1 and 2 on their way to one session, in order, until its client has acknowledged them.
 * It outlives the connection of a session that is kept: the next one gets again what was not acknowledged,
 * with its packet identifier [MQTT-4.4.0-1], before anything new.
 */
export class Outbox {
  readonly #budget: QueueBudget;
  readonly #limits: OutboxLimits;
  #waiting: OutboundMessage[] = [];
  #firstWaiting = 0;
  /** Packet identifier → what awaits PUBACK or PUBREC, or `released` where PUBCOMP is awaited; in order. */
  readonly #sent = new Map<number, OutboundMessage | 'released'>();
  #lastId = 0;
  #link: Link | undefined;

  constructor(budget: QueueBudget, limits: OutboxLimits) {
    this.#budget = budget;
    this.#limits = limits;
  }

  /** Messages that wait to be sent. */
  get waiting(): number {
    return this.#waiting.length - this.#firstWaiting;
  }

  /** Writes to this connection from now on, beginning with what no other one saw acknowledged. */
  attach(link: Link): void {
    this.#link = link;
    for (const [id, sent] of this.#sent) {
      // [MQTT-3.3.1-1]; order: [MQTT-4.6.0-1], [MQTT-4.6.0-4]
      link.send(sent === 'released' ? encodeReply('pubrel', id) : encodePublish(sent, id, true));
    }
    this.flush();
  }

  /** Keeps everything back; of no effect when another connection has been attached since. */
  detach(link: Link): void {
    if (this.#link === link) this.#link = undefined;
  }

  /** How many messages like this one, pushed now, would leave at once: what waits leaves whenever, or never. */
  roomFor(message: OutboundMessage): number {
    const isOpen = this.#link?.congested === false && this.waiting === 0 && this.#hasRoom(sizeOf(message));
    return isOpen ? Math.max(0, this.#limits.unacknowledged - this.#sent.size) : 0;
  }

  /** Takes a message of QoS 1 or 2, or drops and counts it where too many wait; says whether it was taken. */
  push(message: OutboundMessage): boolean {
    const size = sizeOf(message);
    if (!this.#hasRoom(size) || this.waiting >= this.#limits.waiting) {
      this.#budget.dropped++;
      return false;
    }
    this.#budget.bytes += size;
    this.#waiting.push(message);
    this.flush();
    if (this.#link !== undefined && this.waiting > 0) this.#budget.delayed++;
    return true;
  }

  /** Sends what waits, as far as the window and the connection allow. */
  flush(): void {
    const link = this.#link;
    if (link === undefined) return;
    while (
      this.#firstWaiting < this.#waiting.length &&
      this.#sent.size < this.#limits.unacknowledged &&
      !link.congested
    ) {
      const message = this.#waiting[this.#firstWaiting++] as OutboundMessage;
      const id = this.#freeId();
      this.#sent.set(id, message);
      link.send(encodePublish(message, id, false));
    }
    if (this.#firstWaiting === this.#waiting.length || this.#firstWaiting > 1000) {
      this.#waiting = this.#waiting.slice(this.#firstWaiting);
      this.#firstWaiting = 0;
    }
  }

  /** PUBACK. One that nothing was sent for is ignored. */
  acknowledged(id: number): void {
    const sent = this.#sent.get(id);
    if (sent === undefined || sent === 'released' || sent.qos !== 1) return;
    this.#sent.delete(id);
    this.#budget.bytes -= sizeOf(sent);
    sent.onAcknowledged?.();
    this.flush();
  }

  /** PUBREC: answered with PUBREL, also when it comes again. */
  received(id: number): void {
    const sent = this.#sent.get(id);
    if (sent !== undefined && sent !== 'released') {
      if (sent.qos !== 2) return;
      this.#budget.bytes -= sizeOf(sent);
      // To the end: PUBRELs are sent again in the order of the PUBRECs.
      this.#sent.delete(id);
      this.#sent.set(id, 'released');
    }
    this.#link?.send(encodeReply('pubrel', id));
  }

  /** PUBCOMP. One that nothing was released for is ignored. */
  completed(id: number): void {
    if (this.#sent.get(id) !== 'released') return;
    this.#sent.delete(id);
    this.flush();
  }

  /** Forgets everything. */
  discard(): void {
    for (const sent of this.#sent.values()) {
      if (sent !== 'released') this.#budget.bytes -= sizeOf(sent);
    }
    for (const message of this.#waiting.slice(this.#firstWaiting)) this.#budget.bytes -= sizeOf(message);
    this.#sent.clear();
    this.#waiting = [];
    this.#firstWaiting = 0;
    this.#link = undefined;
  }

  #hasRoom(size: number): boolean {
    const isIdle = this.waiting === 0 && this.#sent.size === 0;
    return (isIdle && size <= smallBytes) || this.#budget.has(size);
  }

  /** The next identifier that is not in use [MQTT-2.3.1-2]. */
  #freeId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#sent.has(this.#lastId));
    return this.#lastId;
  }
}
