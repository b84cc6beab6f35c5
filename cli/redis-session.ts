import { AppError, messageOf } from '../runtime/app-error.js';
import { createLogger } from '../runtime/logger.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { displayValue } from '../runtime/settings.js';

const silent = createLogger('cli', 'silent');

/**
 * Runs `work` with a connection to Redis of its own, closed afterwards.
 * @param timeoutMs how long to wait for the connection, and for each answer
 * @throws AppError `redis_away` when Redis isn't reached in time
 */
export async function withRedis<T>(
  url: string,
  work: (redis: Redis) => Promise<T>,
  timeoutMs = 5000,
): Promise<T> {
  const redis = connectRedis(url, silent, { commandTimeout: timeoutMs });
  let lastError = 'no answer';
  redis.on('error', (error) => (lastError = messageOf(error)));
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new AppError(
            'redis_away',
            `Redis at ${displayValue('REDIS_URL', url)} can't be reached: ${lastError}.`,
            {
              retryable: true,
            },
          ),
        );
      }, timeoutMs);
      redis.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
