import type { Readable } from 'node:stream';

/** At most this much of a socket is parsed at once, which bounds how far the caps can be overshot. */
const chunkBytes = 16_384;

/**
 * Back-pressure: decides for each socket whether the broker reads it on. Aedes reads a socket with
 * `read(null)` whenever it likes; answering "nothing there" while the client, or all of them together, has
 * too much unacknowledged leaves the bytes in the kernel, and TCP stops the sender. Its own `pause()` can't
 * be used: it forgets the packets that finish while paused, and never reads again.
 */
export class ReadGate {
  readonly #perClient: number;
  readonly #totalBytes: number;
  #bytes = 0;
  readonly #held = new Map<Readable, () => boolean>();

  constructor(caps: { readonly perClient: number; readonly totalBytes: number }) {
    this.#perClient = caps.perClient;
    this.#totalBytes = caps.totalBytes;
  }

  /** Payload bytes handed to the log and not yet answered. */
  get bytesInFlight(): number {
    return this.#bytes;
  }

  /** Sockets that are not being read now. */
  get heldSockets(): number {
    return this.#held.size;
  }

  /** Puts the gate before a socket; `inFlight` tells its client's unanswered messages. */
  guard(socket: Readable, inFlight: () => number): void {
    const read = socket.read.bind(socket);
    const open = () => inFlight() < this.#perClient && this.#bytes < this.#totalBytes;
    socket.read = (size?: number | null) => {
      // read(0) and sized reads are the stream's own; only the broker asks for "all there is".
      if (size !== null) return read(size) as Buffer | null;
      if (!open()) {
        this.#held.set(socket, open);
        return null;
      }
      const available = socket.readableLength;
      if (available <= chunkBytes) return read() as Buffer | null;
      // What is left raises no event of its own.
      setImmediate(() => socket.emit('readable'));
      return read(chunkBytes) as Buffer | null;
    };
    socket.once('close', () => this.#held.delete(socket));
  }

  /** A message was handed to the log. */
  enter(payloadBytes: number): void {
    this.#bytes += payloadBytes;
  }

  /** A message was answered. */
  leave(payloadBytes: number): void {
    this.#bytes -= payloadBytes;
  }

  /** Lets go on whoever may; to be called after a batch of answers. */
  release(): void {
    for (const [socket, open] of this.#held) {
      if (!open()) continue;
      this.#held.delete(socket);
      socket.emit('readable');
    }
  }
}
