/** What the gate stops and lets go on. */
interface Reading {
  /** Messages of this client that were handed to the log and not yet answered. */
  readonly inFlight: number;
  release(reason: 'in_flight'): void;
}

/**
 * Back-pressure: decides for each connection whether its next PUBLISH is taken. While a client, or all of
 * them together, has too much unacknowledged, its bytes stay in the kernel, and TCP stops the sender.
 */
export class ReadGate<Connection extends Reading> {
  readonly #perClient: number;
  readonly #totalBytes: number;
  #bytes = 0;
  #closed = false;
  readonly #held = new Set<Connection>();

  constructor(caps: { readonly perClient: number; readonly totalBytes: number }) {
    this.#perClient = caps.perClient;
    this.#totalBytes = caps.totalBytes;
  }

  /** Bytes (topics and payloads) handed to the log and not yet answered. */
  get bytesInFlight(): number {
    return this.#bytes;
  }

  /** Connections that are not being read now. */
  get held(): ReadonlySet<Connection> {
    return this.#held;
  }

  /** Whether the connection may hand over a message; when not, it is let go on by a later `release`. */
  admits(connection: Connection): boolean {
    if (this.#isOpen(connection)) return true;
    this.#held.add(connection);
    return false;
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    this.#held.delete(connection);
  }

  /** While closed, nobody hands over a message: the log could not keep it. */
  get closed(): boolean {
    return this.#closed;
  }

  set closed(closed: boolean) {
    if (this.#closed === closed) return;
    this.#closed = closed;
    if (!closed) this.release();
  }

  /** A message was handed to the log. */
  enter(bytes: number): void {
    this.#bytes += bytes;
  }

  /** A message was answered. */
  leave(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Lets go on whoever may; to be called after a batch of answers. */
  release(): void {
    for (const connection of this.#held) {
      if (!this.#isOpen(connection)) continue;
      this.#held.delete(connection);
      connection.release('in_flight');
    }
  }

  #isOpen(connection: Connection): boolean {
    return !this.#closed && connection.inFlight < this.#perClient && this.#bytes < this.#totalBytes;
  }
}
