import type { LogWriter } from '../ingest/log/log.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

const intervalMs = 1000;

/**
 * Writes the passing of time into every shard, so that a replay of the log sees the same silences: first
 * `opened`, then a `tick` each wall second. While the broker is down no time passes in the log, and so our
 * own outage is never taken for the devices' silence. Also keeps the last pipeline time, from which a
 * simulated clock goes on.
 */
export class Ticker {
  readonly #timer: NodeJS.Timeout;

  constructor(log: LogWriter, shards: number, clock: Clock, redis: Redis, logger: Logger) {
    let unanswered = 0;
    const write = (kind: 'opened' | 'tick') => {
      // A log that doesn't answer gets no queue of ticks: time goes on when it does.
      if (unanswered > 0) return;
      const arrivedAt = clock.now();
      for (let shard = 0; shard < shards; shard++) {
        unanswered++;
        log.append(shard, { kind, arrivedAt }, () => unanswered--);
      }
      redis
        .set(redisKeys.clockSeen, arrivedAt)
        .catch((error: unknown) => logger.debug(`clock: ${messageOf(error)}`));
    };
    write('opened');
    this.#timer = setInterval(() => write('tick'), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
