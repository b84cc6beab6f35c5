import { TokenBucket } from './token-bucket.js';

/** How fast one client may publish, over all its connections. */
export interface PaceCaps {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** This many seconds' worth may come at once. */
  readonly burstSeconds: number;
}

/** What a client has left of its two allowances. */
export class ClientPace {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;

  constructor({ messagesPerSecond, bytesPerSecond, burstSeconds }: PaceCaps, now: number) {
    this.#messages = new TokenBucket(messagesPerSecond, burstSeconds, now);
    this.#bytes = new TokenBucket(bytesPerSecond, burstSeconds, now);
  }

  /** A message was taken. */
  took(bytes: number, now: number): void {
    this.#messages.take(1, now);
    this.#bytes.take(bytes, now);
  }

  /** Wall ms until the next message may be taken. */
  waitMs(now: number): number {
    return Math.max(this.#messages.waitMs(now), this.#bytes.waitMs(now));
  }

  isFull(now: number): boolean {
    return this.#messages.isFull(now) && this.#bytes.isFull(now);
  }
}

const sweepMs = 30_000;

/**
 * The pace of every client, kept until its allowances are full again, so that connecting anew gives no new
 * ones.
 */
export class ClientPaces {
  readonly #caps: PaceCaps;
  readonly #byClient = new Map<string, { readonly pace: ClientPace; connections: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(caps: PaceCaps) {
    this.#caps = caps;
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
  }

  /** A connection of the client begins. */
  open(client: string): ClientPace {
    const known = this.#byClient.get(client) ?? {
      pace: new ClientPace(this.#caps, performance.now()),
      connections: 0,
    };
    known.connections++;
    this.#byClient.set(client, known);
    return known.pace;
  }

  /** A connection that was opened ends. */
  close(client: string): void {
    const known = this.#byClient.get(client);
    if (known === undefined) return;
    known.connections--;
    if (known.connections === 0 && known.pace.isFull(performance.now())) this.#byClient.delete(client);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const now = performance.now();
    for (const [client, { pace, connections }] of this.#byClient) {
      if (connections === 0 && pace.isFull(now)) this.#byClient.delete(client);
    }
  }
}
