import type { RefusedLine, Sink } from './influx-sink.js';

export interface GroupLimits {
  /** Lines of one write; a single caller's larger batch is still written as one. */
  readonly mostLines: number;
  /** How long the first of a group waits for others, ms. */
  readonly lingerMs: number;
  /** Writes under way at once. */
  readonly concurrency: number;
}

interface Call {
  readonly lines: readonly string[];
  readonly signal: AbortSignal;
  readonly resolve: (refused: RefusedLine[]) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Puts what several shards have to write at about the same time into one write: what a write costs InfluxDB hardly
 * depends on its size. Each caller is told of its own lines, and waits no longer than for the group it is in.
 */
export class GroupedSink implements Sink {
  readonly #sink: Sink;
  readonly #limits: GroupLimits;
  #waiting: Call[] = [];
  #lines = 0;
  #underWay = 0;
  #linger: NodeJS.Timeout | undefined;
  /** The first of those who wait has waited long enough. */
  #due = false;

  constructor(sink: Sink, limits: GroupLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  get trouble(): string | undefined {
    return this.#sink.trouble;
  }

  async write(lines: readonly string[], signal: AbortSignal): Promise<RefusedLine[]> {
    if (lines.length === 0) return [];
    signal.throwIfAborted();
    // Whoever gives up is not held back by the others of its group; its lines may be written all the same.
    let giveUp = (): void => undefined;
    try {
      return await new Promise<RefusedLine[]>((resolve, reject) => {
        giveUp = () => reject(signal.reason as Error);
        signal.addEventListener('abort', giveUp);
        this.#waiting.push({ lines, signal, resolve, reject });
        this.#lines += lines.length;
        this.#linger ??= setTimeout(() => {
          this.#due = true;
          this.#start();
        }, this.#limits.lingerMs);
        this.#start();
      });
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #start(): void {
    const { mostLines, concurrency } = this.#limits;
    while (this.#waiting.length > 0 && this.#underWay < concurrency) {
      if (!this.#due && this.#lines < mostLines) return;
      void this.#send(this.#takeGroup());
    }
  }

  #takeGroup(): Call[] {
    const group: Call[] = [];
    let lines = 0;
    for (const call of this.#waiting) {
      if (group.length > 0 && lines + call.lines.length > this.#limits.mostLines) break;
      group.push(call);
      lines += call.lines.length;
    }
    this.#waiting = this.#waiting.slice(group.length);
    this.#lines -= lines;
    if (this.#waiting.length === 0) {
      clearTimeout(this.#linger);
      this.#linger = undefined;
      this.#due = false;
    }
    return group;
  }

  async #send(group: readonly Call[]): Promise<void> {
    this.#underWay++;
    const given = whenAllGiveUp(group.map(({ signal }) => signal));
    try {
      const lines = group.length === 1 ? (group[0]?.lines ?? []) : group.flatMap((call) => call.lines);
      const refused = await this.#sink.write(lines, given.signal);
      let from = 0;
      for (const call of group) {
        const to = from + call.lines.length;
        const own = refused.filter(({ index }) => index >= from && index < to);
        call.resolve(own.map(({ index, why }) => ({ index: index - from, why })));
        from = to;
      }
    } catch (error) {
      for (const call of group) call.reject(error);
    } finally {
      given.forget();
      this.#underWay--;
      this.#start();
    }
  }
}

/** Aborted when all of them are: as long as one still waits, its lines are to be written. */
function whenAllGiveUp(signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  /** The signals live as long as the ingest: nothing may stay behind on them. */
  forget(): void;
} {
  const all = new AbortController();
  const different = new Set(signals);
  const look = () => {
    for (const signal of different) if (!signal.aborted) return;
    all.abort(signals[0]?.reason);
  };
  for (const signal of different) signal.addEventListener('abort', look);
  look();
  return {
    signal: all.signal,
    forget: () => {
      for (const signal of different) signal.removeEventListener('abort', look);
    },
  };
}
