import { AppError, messageOf } from './app-error.js';
import type { Redis } from './redis-connection.js';

/** What Redis must be set to so that an acknowledged reading is on disk and stays there. */
const required = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
} as const;

/** The settings that would lose readings, as `name value` to set; empty when there are none. */
export function missingDurability(config: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(required)
    .filter(([name, value]) => config[name] !== value)
    .map(([name, value]) => `${name} ${value}`);
}

/**
 * Refuses a Redis that may lose what it acknowledged.
 * @throws AppError `volatile_redis` with the settings to change
 */
export async function assertDurable(redis: Redis, shownUrl: string): Promise<void> {
  const config: Record<string, string> = {};
  try {
    for (const name of Object.keys(required)) {
      const [, value] = await redis.config('GET', name);
      if (value !== undefined) config[name] = value;
    }
  } catch (error) {
    throw new AppError(
      'volatile_redis',
      `Redis at ${shownUrl} does not say whether it keeps what it acknowledges (${messageOf(error)}): allow CONFIG GET, ` +
        `or, if you know that it has ${missingDurability({}).join(', ')}, set ALLOW_VOLATILE_REDIS=1.`,
      { cause: error },
    );
  }
  const missing = missingDurability(config);
  if (missing.length === 0) return;
  throw new AppError(
    'volatile_redis',
    `Redis at ${shownUrl} may lose readings that were acknowledged: set ${missing.join(', ')} ` +
      '(CONFIG SET or redis.conf), or ALLOW_VOLATILE_REDIS=1 for a trial.',
  );
}
