/**
 * An allowance that fills up with time: `perSecond`, and at most what gathers in `burstSeconds`. It may be
 * overdrawn by one taking, which then has to be waited off. Times are wall ms.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #full: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burstSeconds: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#full = perSecond * burstSeconds;
    this.#tokens = this.#full;
    this.#at = now;
  }

  /** Spends, whether or not there is enough. */
  take(amount: number, now: number): void {
    this.#fill(now);
    this.#tokens -= amount;
  }

  /** How long until something may be spent; 0 when it may now. */
  waitMs(now: number): number {
    this.#fill(now);
    return this.#tokens > 0 ? 0 : (1 - this.#tokens) / this.#perMs;
  }

  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#full;
  }

  #fill(now: number): void {
    // A clock that is set back gives nothing, and takes nothing.
    this.#tokens = Math.min(this.#full, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
