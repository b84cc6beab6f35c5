import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { redisNow } from '../runtime/redis-time.js';
import type { DirectoryEntry } from './redis-connection-directory.js';

const pulseMs = 2000;
/** A broker is forgotten when it has been gone for as long. */
const forgetMs = 86_400_000;

/**
 * KEYS[1] the brokers; ARGV[1] one of them, which lives now, by Redis' clock: one of its own that is wrong would
 * have it, or all others, taken for dead.
 */
const pulseScript = `
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], t[1] * 1000 + math.floor(t[2] / 1000))`;

export interface BrokerPulseParts {
  readonly redis: Redis;
  readonly directory: {
    all(): Promise<DirectoryEntry[]>;
    remove(entry: DirectoryEntry): Promise<boolean>;
    /** Whether the connection is one of ours, and open. */
    holds(entry: DirectoryEntry): boolean;
  };
  /** This broker process. */
  readonly broker: string;
  readonly log: Logger;
  /** The connection is no more (mostly, its broker died with it), and the device has not come back to any. */
  readonly onLost: (entry: DirectoryEntry) => Promise<void>;
  /** Wall ms that devices have to come back; mains that return switch on a whole city. */
  readonly graceMs: number;
}

/**
 * Says that this broker lives, and looks after what dead ones left: devices that had a connection there have
 * some time to come back, and are offline when they don't. No broker's end is taken for that of its devices.
 */
export class BrokerPulse {
  readonly #parts: BrokerPulseParts;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #startedAt = performance.now();

  constructor(parts: BrokerPulseParts) {
    this.#parts = parts;
    const attempt = (what: string, work: () => Promise<unknown>) => () => {
      work().catch((error: unknown) => parts.log.debug(`${what}: ${messageOf(error)}`));
    };
    const beat = attempt('pulse', () => parts.redis.eval(pulseScript, 1, redisKeys.brokers, parts.broker));
    beat();
    this.#timers = [
      setInterval(beat, pulseMs),
      setInterval(
        attempt('dead brokers', () => this.#sweep()),
        Math.max(pulseMs, parts.graceMs / 3),
      ),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #sweep(): Promise<void> {
    const { redis, directory, broker, onLost, graceMs } = this.#parts;
    // Who could come back only to us has had no time to do so yet.
    if (performance.now() - this.#startedAt < graceMs) return;
    const now = await redisNow(redis);
    const pulses = await redis.hgetall(redisKeys.brokers);
    const isDead = (broker: string) => now - Number(pulses[broker] ?? 0) >= graceMs;
    // One that ended here while Redis did not answer is still in the directory.
    const isLost = (entry: DirectoryEntry) =>
      entry.broker === broker ? !directory.holds(entry) : isDead(entry.broker);
    for (const entry of await directory.all()) {
      if (isLost(entry) && (await directory.remove(entry))) await onLost(entry);
    }
    for (const [broker, at] of Object.entries(pulses)) {
      if (now - Number(at) > forgetMs) await redis.hdel(redisKeys.brokers, broker);
    }
  }
}
