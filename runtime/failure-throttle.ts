import type { Settings } from './settings.js';

/** Failures a minute that have no consequence, for one id from one address, for an id, for an address. */
export interface FailureLimits {
  readonly pair: number;
  readonly id: number;
  readonly address: number;
  /** Wall ms that an answer is held back at most. */
  readonly maxDelayMs: number;
  /** Answers held back at once, in all, and for one address: each keeps a socket. */
  readonly held: number;
  readonly heldOfAddress: number;
}

export function failureLimits(settings: Settings): FailureLimits {
  return {
    pair: settings.LOGIN_FAILURES_PER_DEVICE,
    id: settings.LOGIN_FAILURES_PER_ID,
    address: settings.LOGIN_FAILURES_PER_ADDRESS,
    maxDelayMs: settings.LOGIN_FAILURE_DELAY_S * 1000,
    held: settings.LOGIN_HELD,
    heldOfAddress: settings.LOGIN_HELD_PER_ADDRESS,
  };
}

/** By which limit a refusal was held back. */
export type SlowedBy = 'pair' | 'id' | 'address';

/** What became of a refusal that may be given now. */
export interface Refusal {
  readonly slowedBy?: SlowedBy | undefined;
  /** The limit was met just now, for the first time in a while: worth a line in the log. */
  readonly first: boolean;
  /** Held back for as long as it should have been; false: too many are held back already. */
  readonly held: boolean;
}

/** Remembered at most, of each kind; the one longest unheard of makes room. */
const maxRemembered = 10_000;
const minuteMs = 60_000;
const firstDelayMs = 500;

interface Level {
  readonly failures: number;
  readonly at: number;
}

/**
 * Slows down who fails to log in again and again, by holding back the refusal: of one id from one address, of
 * an id from anywhere, of an address. Only refusals are ever held back: who has the right secret gets in at
 * once, however many others fail behind the same address.
 *
 * So many are held back at once; the refusals beyond that are given at once. That makes nobody's guessing
 * worth while: the secrets are 192 random bits (devices/credential.ts), which no rate of tries finds, and what holding
 * back is for is the work and the noise that a device with a wrong password makes. It costs a socket each, which is
 * what an attacker would have us spend.
 */
export class FailureThrottle {
  readonly #limits: FailureLimits;
  readonly #now: () => number;
  readonly #levels: Record<SlowedBy, Map<string, Level>> = {
    pair: new Map(),
    id: new Map(),
    address: new Map(),
  };
  readonly #heldOf = new Map<string, number>();
  #held = 0;

  /** @param now wall time, epoch ms */
  constructor(limits: FailureLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Refusals held back now. */
  get held(): number {
    return this.#held;
  }

  /** Ids and addresses remembered now. */
  get remembered(): number {
    const { pair, id, address } = this.#levels;
    return pair.size + id.size + address.size;
  }

  /** Counts a failure and resolves when the refusal is to be given. Never rejects. */
  async refuse(address: string, id: string): Promise<Refusal> {
    const { slowedBy, first, delayMs } = this.#count(address, shorten(id));
    if (delayMs === 0) return { first: false, held: true };
    const ofAddress = this.#heldOf.get(address) ?? 0;
    const { held, heldOfAddress } = this.#limits;
    if (this.#held >= held || ofAddress >= heldOfAddress) return { slowedBy, first, held: false };
    this.#held++;
    this.#heldOf.set(address, ofAddress + 1);
    await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
    this.#held--;
    const left = (this.#heldOf.get(address) ?? 1) - 1;
    if (left > 0) this.#heldOf.set(address, left);
    else this.#heldOf.delete(address);
    return { slowedBy, first, held: true };
  }

  /** The id was let in: its earlier failures from there are forgotten, those of its address are not. */
  succeeded(address: string, id: string): void {
    this.#levels.pair.delete(pairOf(address, shorten(id)));
  }

  #count(address: string, id: string) {
    let slowest: { slowedBy?: SlowedBy; first: boolean; delayMs: number } = { first: false, delayMs: 0 };
    const keys = { pair: pairOf(address, id), id, address } as const;
    for (const slowedBy of ['pair', 'id', 'address'] as const) {
      const free = this.#limits[slowedBy];
      const before = this.#levelOf(slowedBy, keys[slowedBy]);
      // So much above the limit the delay is the longest; counting on would only make it last for hours.
      const failures = Math.min(before + 1, free + 10);
      const levels = this.#levels[slowedBy];
      levels.delete(keys[slowedBy]);
      levels.set(keys[slowedBy], { failures, at: this.#now() });
      if (levels.size > maxRemembered) forgetOldest(levels);
      const above = failures - free;
      if (above <= 0) continue;
      const delayMs = Math.min(firstDelayMs * 2 ** above, this.#limits.maxDelayMs);
      if (delayMs > slowest.delayMs) slowest = { slowedBy, first: before <= free, delayMs };
    }
    return slowest;
  }

  /** Failures that still count: they fade by as many a minute as have no consequence. */
  #levelOf(kind: SlowedBy, key: string): number {
    const level = this.#levels[kind].get(key);
    if (level === undefined) return 0;
    const faded = ((this.#now() - level.at) / minuteMs) * this.#limits[kind];
    return Math.max(0, level.failures - faded);
  }
}

function pairOf(address: string, id: string): string {
  return `${address} ${id}`;
}

/** A copy: a slice would keep the whole text in memory, and anybody may send a long one. */
function shorten(id: string): string {
  return Buffer.from(id.slice(0, 64)).toString();
}

function forgetOldest(levels: Map<string, Level>): void {
  for (const oldest of levels.keys()) {
    levels.delete(oldest);
    return;
  }
}
