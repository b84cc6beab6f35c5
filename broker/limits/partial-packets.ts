import type { LimitReason } from './limit-reason.js';

/** Somebody whose packet, or WebSocket message, has begun to come in. */
export interface Receiver {
  /** It is not being read now, because of us: that the rest doesn't come is not its fault. */
  readonly isHeld: boolean;
  /** It has proven who it is. */
  readonly isKnown: boolean;
  destroy(): void;
}

interface Begun {
  bytes: number;
  /** Wall time of this process, ms. */
  since: number;
}

/**
 * What has been received of packets that are not complete yet, over all connections: a packet has its time to be
 * complete, and when all of them together take too much memory the connection with the most is closed, of
 * strangers first: they must not be able to cut a device's upload.
 */
export class PartialPackets {
  readonly #limits: { readonly bytes: number; readonly timeoutMs: number };
  readonly #onLimited: (reason: LimitReason) => void;
  readonly #begun = new Map<Receiver, Begun>();
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  constructor(
    limits: { readonly bytes: number; readonly timeoutMs: number },
    onLimited: (reason: LimitReason) => void,
  ) {
    this.#limits = limits;
    this.#onLimited = onLimited;
    this.#timer = setInterval(() => this.#sweep(performance.now()), Math.min(1000, limits.timeoutMs / 4));
  }

  /** Bytes kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * So much is kept of what the receiver has begun; 0: nothing.
   * @param anew whether it is another packet than the last time
   */
  note(receiver: Receiver, bytes: number, anew: boolean): void {
    const known = this.#begun.get(receiver);
    this.#bytes += bytes - (known?.bytes ?? 0);
    if (bytes === 0) this.#begun.delete(receiver);
    else if (known === undefined) this.#begun.set(receiver, { bytes, since: performance.now() });
    else {
      known.bytes = bytes;
      if (anew) known.since = performance.now();
    }
    while (this.#bytes > this.#limits.bytes) this.#cutLargest();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #cutLargest(): void {
    let most: [Receiver, Begun] | undefined;
    for (const entry of this.#begun) if (most === undefined || isCutBefore(entry, most)) most = entry;
    if (most !== undefined) this.#cut(most[0], 'partial_bytes');
  }

  #sweep(now: number): void {
    for (const [receiver, begun] of this.#begun) {
      if (receiver.isHeld) begun.since = now;
      else if (now - begun.since >= this.#limits.timeoutMs) this.#cut(receiver, 'packet_timeout');
    }
  }

  #cut(receiver: Receiver, reason: LimitReason): void {
    this.#onLimited(reason);
    this.note(receiver, 0, true);
    receiver.destroy();
  }
}

function isCutBefore(
  [one, { bytes }]: [Receiver, Begun],
  [other, { bytes: most }]: [Receiver, Begun],
): boolean {
  return one.isKnown === other.isKnown ? bytes > most : other.isKnown;
}
