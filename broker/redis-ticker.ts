import { appendDurably } from '../ingest/log/log.js';
import type { LogWriter } from '../ingest/log/log.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

const intervalMs = 1000;
/** A broker that doesn't renew its lease for as long has lost it. */
const leaseMs = 3000;
/** When no tick got into the log for longer, some devices could not be heard meanwhile. */
const longestGapMs = 2500;

/**
 * KEYS[1] lease; ARGV[1] owner, ARGV[2] ms to hold it. Returns Redis' time, epoch ms, when the owner holds it now,
 * else 0. The clocks of the brokers' machines may differ.
 */
const leaseScript = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local t = redis.call('TIME')
return t[1] * 1000 + math.floor(t[2] / 1000)`;

/** KEYS[1] lease; ARGV[1] owner. Gives the lease up, if it is still the owner's. */
const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export interface TickerParts {
  readonly log: LogWriter;
  readonly shards: number;
  readonly clock: Clock;
  readonly redis: Redis;
  readonly logger: Logger;
  /** Distinguishes this broker process from all others. */
  readonly owner: string;
}

/**
 * Writes the passing of time into every shard, so that a replay of the log sees the same silences: a `tick`
 * each wall second by one of the brokers, whichever holds the lease. Where no tick came for a while (no broker
 * ran, or the log took nothing), it writes `opened` in its place: what could not be heard was not silent. Also
 * keeps the last pipeline time, from which a simulated clock goes on.
 */
export class Ticker {
  readonly #parts: TickerParts;
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> | undefined;
  /** Redis' time, epoch ms, of the last tick that is in the log, by this process; undefined while another holds the lease. */
  #tickedAt: number | undefined;

  constructor(parts: TickerParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#beat(), intervalMs);
    this.#beat();
  }

  /** Lets another broker go on at once. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    const { redis, owner } = this.#parts;
    await redis.eval(releaseScript, 1, redisKeys.tickLease, owner).catch(() => undefined);
  }

  #beat(): void {
    // A log that doesn't answer gets no queue of ticks: time goes on when it does.
    this.#beating ??= this.#tick()
      .catch((error: unknown) => this.#parts.logger.debug(`ticker: ${messageOf(error)}`))
      .finally(() => (this.#beating = undefined));
  }

  async #tick(): Promise<void> {
    const { redis, clock, owner } = this.#parts;
    const now = Number(await redis.eval(leaseScript, 1, redisKeys.tickLease, owner, leaseMs));
    if (now === 0) {
      this.#tickedAt = undefined;
      return;
    }
    const before = this.#tickedAt ?? Number((await redis.get(redisKeys.tickedAt)) ?? 0);
    const arrivedAt = clock.now();
    await this.#append(now - before > longestGapMs ? 'opened' : 'tick', arrivedAt);
    this.#tickedAt = now;
    await redis.mset(redisKeys.tickedAt, now, redisKeys.clockSeen, arrivedAt);
  }

  #append(kind: 'opened' | 'tick', arrivedAt: number): Promise<unknown> {
    const { log, shards } = this.#parts;
    return Promise.all(
      Array.from({ length: shards }, (_, shard) => appendDurably(log, shard, { kind, arrivedAt })),
    );
  }
}
