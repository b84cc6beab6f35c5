import type { Redis } from './redis-connection.js';

/** Redis' clock, epoch ms: the one that processes on several machines share. @throws when Redis does not answer */
export async function redisNow(redis: Redis): Promise<number> {
  return epochMs(await redis.time());
}

/** What TIME answers, as epoch ms. */
export function epochMs(time: unknown): number {
  const [seconds, micros] = time as [number | string, number | string];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
