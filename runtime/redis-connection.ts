import { Redis } from 'ioredis';
import type { Logger } from './logger.js';

export type { Redis } from 'ioredis';

interface ConnectionOptions {
  /** Wall ms after which a command is given up; it may still take effect later. @defaultValue never */
  readonly commandTimeout?: number;
  /** Whether to wait until Redis has loaded its files. @defaultValue true */
  readonly enableReadyCheck?: boolean;
  /** Whether commands wait while the connection is down. @defaultValue true */
  readonly enableOfflineQueue?: boolean;
}

/**
 * A connection to Redis that reconnects for ever (well under a second between tries) and resends what was not
 * answered, so that a command may run twice but is never forgotten.
 */
export function connectRedis(url: string, log: Logger, options: ConnectionOptions = {}): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    replyMapping: 'legacy',
    retryStrategy: (tries) => Math.min(50 * tries, 500) * (0.75 + Math.random() / 2),
    ...options,
  });
  let lastError = '';
  redis.on('error', (error: Error) => {
    // One line per kind of failure, not one per try.
    if (error.message !== lastError) log.warn(`Redis: ${error.message}; trying again`);
    lastError = error.message;
  });
  redis.on('ready', () => {
    if (lastError !== '') log.info('Redis: connected again');
    lastError = '';
  });
  return redis;
}
