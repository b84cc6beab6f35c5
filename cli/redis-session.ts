import { AppError, messageOf } from '../runtime/app-error.js';
import { createLogger } from '../runtime/logger.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { displayValue } from '../runtime/settings.js';

const silent = createLogger('cli', 'silent');

/**
 * Runs `work` with a connection to Redis of its own, closed afterwards.
 * @param timeoutMs how long to wait for the connection, and for each answer
 * @throws AppError `redis_away` when Redis isn't reached in time, `redis_password` when it doesn't let us in
 */
export async function withRedis<T>(
  url: string,
  work: (redis: Redis) => Promise<T>,
  timeoutMs = 5000,
): Promise<T> {
  const redis = connectRedis(url, silent, { commandTimeout: timeoutMs });
  const shown = displayValue('REDIS_URL', url);
  let lastError = 'no answer';
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const why = `Redis at ${shown} can't be reached: ${lastError}.`;
        reject(new AppError('redis_away', why, { retryable: true }));
      }, timeoutMs);
      redis.on('error', (error) => {
        lastError = messageOf(error);
        // No waiting will help.
        const refusal = describeRefusal(shown, lastError);
        if (refusal === undefined) return;
        clearTimeout(timer);
        reject(refusal);
      });
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

/** The failure to tell when Redis asks for a password, or for another one. */
function describeRefusal(shownUrl: string, message: string): AppError | undefined {
  const hint = 'put it into REDIS_URL, as redis://:PASSWORD@host or redis://USER:PASSWORD@host';
  if (message.startsWith('NOAUTH'))
    return new AppError('redis_password', `Redis at ${shownUrl} needs a password: ${hint}.`);
  if (message.startsWith('WRONGPASS'))
    return new AppError('redis_password', `Redis at ${shownUrl} says that the password is wrong: ${hint}.`);
  return undefined;
}
