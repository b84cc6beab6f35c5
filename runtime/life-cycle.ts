import type { Logger } from './logger.js';
import { messageOf } from './app-error.js';
import { within } from './within.js';

interface Teardown {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

/**
 * What a process has acquired, released in reverse order. Register each teardown on the line after the
 * acquisition, so that a start that fails half-way releases what it had.
 */
export class LifeCycle {
  readonly #teardowns: Teardown[] = [];
  readonly #log: Logger;
  readonly #timeoutMs: number;
  #stopping: Promise<void> | undefined;

  /** @param timeoutMs wall time that each single teardown may take, @defaultValue 10 s */
  constructor(log: Logger, timeoutMs = 10_000) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  /** Registers what undoes the acquisition just made. */
  onStop(name: string, stop: Teardown['stop']): void {
    this.#teardowns.push({ name, stop });
  }

  /** Runs the teardowns once, last registered first; one that fails or hangs is logged and passed over. */
  stop(): Promise<void> {
    this.#stopping ??= this.#run();
    return this.#stopping;
  }

  async #run(): Promise<void> {
    for (const { name, stop } of this.#teardowns.reverse()) {
      try {
        await within(this.#timeoutMs, Promise.resolve(stop()), `not done after ${this.#timeoutMs} ms`);
      } catch (error) {
        this.#log.error({ teardown: name }, `could not stop ${name}: ${messageOf(error)}`);
      }
    }
  }
}
