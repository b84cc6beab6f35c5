import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../runtime/app-error.js';
import type { Influx } from '../../runtime/influx-connection.js';
import { InfluxRefusal } from '../../runtime/influx-connection.js';
import type { Logger } from '../../runtime/logger.js';

/** A line InfluxDB will never take, by its position in the batch. */
export interface RefusedLine {
  readonly index: number;
  readonly why: string;
}

/** Writes batches until InfluxDB has confirmed them. */
export interface Sink {
  /**
   * Resolves when the server has confirmed every line but the refused ones it returns.
   * @throws the signal's reason when aborted before that
   */
  write(lines: readonly string[], signal: AbortSignal): Promise<RefusedLine[]>;
  /** One sentence while the server does not take what it is given. */
  readonly trouble: string | undefined;
}

const firstDelayMs = 100;
const longestDelayMs = 10_000;

/**
 * Delivery under our own control. The server being away, overloaded or misconfigured is waited out, for ever
 * and with jitter; a batch it refuses for one of its lines is halved until that line is alone, since the
 * others are good and writing them twice does no harm.
 */
export class InfluxSink implements Sink {
  trouble: string | undefined;
  readonly #open: () => Promise<Influx>;
  readonly #log: Logger;
  readonly #onWrite: (lines: number, ms: number) => void;
  #influx: Influx | undefined;

  /** @param open connects; tried again until it succeeds */
  constructor(
    open: () => Promise<Influx>,
    log: Logger,
    onWrite: (lines: number, ms: number) => void = () => undefined,
  ) {
    this.#open = open;
    this.#log = log;
    this.#onWrite = onWrite;
  }

  async write(lines: readonly string[], signal: AbortSignal): Promise<RefusedLine[]> {
    if (lines.length === 0) return [];
    const refused: RefusedLine[] = [];
    await this.#writeRange(lines, 0, lines.length, signal, refused);
    return refused;
  }

  async #writeRange(
    lines: readonly string[],
    from: number,
    to: number,
    signal: AbortSignal,
    refused: RefusedLine[],
  ): Promise<void> {
    const refusal = await this.#deliver(lines.slice(from, to), signal);
    if (refusal === undefined) return;
    if (to - from === 1) {
      refused.push({ index: from, why: refusal.message });
      return;
    }
    const middle = (from + to) >> 1;
    await this.#writeRange(lines, from, middle, signal, refused);
    await this.#writeRange(lines, middle, to, signal, refused);
  }

  async #deliver(lines: readonly string[], signal: AbortSignal): Promise<InfluxRefusal | undefined> {
    const body = lines.join('\n');
    for (let delay = firstDelayMs; ; delay = Math.min(delay * 2, longestDelayMs)) {
      signal.throwIfAborted();
      try {
        this.#influx ??= await this.#open();
        const startedAt = performance.now();
        await this.#influx.write(body);
        this.#onWrite(lines.length, performance.now() - startedAt);
        this.#recovered();
        return undefined;
      } catch (error) {
        if (error instanceof InfluxRefusal) {
          this.#recovered();
          return error;
        }
        // The database may be gone, or another server be there: opening anew finds or creates it.
        this.#influx = undefined;
        if (this.trouble === undefined)
          this.#log.warn(`InfluxDB does not take writes: ${messageOf(error)}; the log keeps them`);
        this.trouble = `InfluxDB does not take writes: ${messageOf(error)}`;
        await sleep(delay * (0.5 + Math.random()), undefined, { signal });
      }
    }
  }

  #recovered(): void {
    if (this.trouble !== undefined) this.#log.info('InfluxDB takes writes again');
    this.trouble = undefined;
  }
}
