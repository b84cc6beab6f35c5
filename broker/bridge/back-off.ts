/** Wall ms: the first wait, and the longest. */
const firstMs = 500;
const longestMs = 60_000;

/**
 * How long to wait before the next try: twice as long each time, with some chance in it, so that many bridges
 * do not come back at once. Only success, not a connection, begins again from the shortest wait.
 */
export class BackOff {
  #failures = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  nextMs(): number {
    const ms = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures++, 20));
    return ms * (0.5 + this.#random() / 2);
  }
}
