import type { Duplex } from 'node:stream';

/** Small packets of one turn of the event loop leave in one write. */
const gatherBytes = 4096;

/**
 * What a connection sends. While its client doesn't read, the output is congested; one that stays so is
 * given up by `onStuck`, so that a frozen client costs nobody else anything.
 */
export class Output {
  readonly #stream: Duplex;
  readonly #drainMs: number;
  readonly #taken: () => number;
  readonly #on: { readonly congested: () => void; readonly drained: () => void; readonly stuck: () => void };
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;
  #congested = false;
  #patience: NodeJS.Timeout | undefined;

  /**
   * @param drainMs how long a client may read nothing while bytes wait for it, wall ms
   * @param taken bytes that have left us so far
   */
  constructor(
    stream: Duplex,
    drainMs: number,
    taken: () => number,
    on: { readonly congested: () => void; readonly drained: () => void; readonly stuck: () => void },
  ) {
    this.#stream = stream;
    this.#drainMs = drainMs;
    this.#taken = taken;
    this.#on = on;
  }

  get congested(): boolean {
    return this.#congested;
  }

  /** Bytes that the client has not taken yet. */
  get bytes(): number {
    return this.#stream.writableLength + this.#gatheredBytes;
  }

  send(bytes: Buffer): void {
    const { length } = bytes;
    if (length > gatherBytes / 4) {
      this.flush();
      this.#write(bytes);
      return;
    }
    if (this.#gathered !== undefined && this.#gatheredBytes + length > gatherBytes) this.flush();
    if (this.#gathered === undefined) {
      this.#gathered = Buffer.allocUnsafe(gatherBytes);
      process.nextTick(() => this.flush());
    }
    this.#gathered.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += length;
  }

  /** Nothing is sent any more. */
  close(): void {
    clearTimeout(this.#patience);
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
  }

  /** Hands what was gathered to the stream now. */
  flush(): void {
    if (this.#gathered === undefined) return;
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (!this.#stream.writable || this.#stream.write(bytes) || this.#congested) return;
    this.#congested = true;
    this.#watch();
    this.#stream.once('drain', () => {
      this.#congested = false;
      clearTimeout(this.#patience);
      this.#on.drained();
    });
    this.#on.congested();
  }

  /** Gives it up when nothing at all leaves; one that reads slowly is slow, not stuck. */
  #watch(): void {
    const before = this.#taken();
    this.#patience = setTimeout(() => {
      if (this.#taken() > before) this.#watch();
      else this.#on.stuck();
    }, this.#drainMs);
  }
}
