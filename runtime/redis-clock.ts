import { AppError } from './app-error.js';
import { createClock } from './clock.js';
import type { Clock, ClockSpec } from './clock.js';
import type { Redis } from './redis-connection.js';
import { redisKeys } from './redis-keys.js';
import type { Settings } from './settings.js';

/**
 * Decides, once at start-up, what time it is in this pipeline, and keeps it in Redis for all roles. A
 * simulated clock goes on from the last time written to the log, so that a pause of ours is no silence of
 * the devices.
 * @throws AppError `wrong_clock` when this Redis was used with the other kind of clock.
 */
export async function settleClock(redis: Redis, settings: Settings, wallNow = Date.now()): Promise<Clock> {
  const wanted = settings.SIM_SPEED === undefined ? 'wall' : 'simulated';
  const kept = await readSpec(redis);
  if (kept !== undefined && kept.kind !== wanted) {
    throw new AppError(
      'wrong_clock',
      wanted === 'wall'
        ? 'This Redis was used with a simulated clock: use another REDIS_URL or DATA_DIR for the wall clock, or set SIM_SPEED.'
        : 'This Redis was used with the wall clock: use another REDIS_URL or DATA_DIR for a simulated clock, or unset SIM_SPEED.',
    );
  }
  const spec: ClockSpec =
    settings.SIM_SPEED === undefined
      ? { kind: 'wall' }
      : {
          kind: 'simulated',
          originAt: await simulatedOrigin(redis, settings, wallNow),
          anchorAt: wallNow,
          speed: settings.SIM_SPEED,
        };
  await redis.set(redisKeys.clock, JSON.stringify(spec));
  return createClock(spec);
}

/**
 * The clock that the pipeline was started with.
 * @throws AppError `no_clock` when no pipeline was ever started on this Redis.
 */
export async function loadClock(redis: Redis): Promise<Clock> {
  const spec = await readSpec(redis);
  if (spec === undefined) {
    throw new AppError(
      'no_clock',
      'This Redis has no pipeline clock yet: start the pipeline once with "campus up".',
    );
  }
  return createClock(spec);
}

async function simulatedOrigin(redis: Redis, settings: Settings, wallNow: number): Promise<number> {
  const seen = await redis.get(redisKeys.clockSeen);
  if (seen !== null) return Number(seen);
  return settings.SIM_ORIGIN === undefined ? wallNow : Date.parse(settings.SIM_ORIGIN);
}

async function readSpec(redis: Redis): Promise<ClockSpec | undefined> {
  const json = await redis.get(redisKeys.clock);
  return json === null ? undefined : (JSON.parse(json) as ClockSpec);
}
