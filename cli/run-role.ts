import { Registry } from 'prom-client';
import { AppError, messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import { LifeCycle } from '../runtime/life-cycle.js';
import { createLogger } from '../runtime/logger.js';
import type { Logger } from '../runtime/logger.js';
import { loadClock, settleClock } from '../runtime/redis-clock.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { RoleContext } from '../runtime/role.js';
import type { Role } from '../runtime/roles.js';
import type { Settings } from '../runtime/settings.js';
import { isExpectedFailure } from './expected-failure.js';
import type { ChildMessage } from './supervisor/supervised-child.js';

/** Settings with the databases known. */
export type RoleSettings = Settings & { readonly REDIS_URL: string; readonly INFLUX_URL: string };

/**
 * Runs one role in this process until it is told to stop, by a signal or by the end of the supervisor.
 * @throws AppError when it can't start
 */
export async function runRole(
  role: Role,
  settings: RoleSettings,
  start: (context: RoleContext) => Promise<unknown>,
): Promise<void> {
  const log = createLogger(role, settings.LOG_LEVEL);
  const lifeCycle = new LifeCycle(log);
  const stopped = stopRequest();
  try {
    await start({
      settings,
      redisUrl: settings.REDIS_URL,
      influxUrl: settings.INFLUX_URL,
      clock: await findClock(settings, log),
      log,
      lifeCycle,
      metrics: new Registry(),
    });
    tell({ ready: true });
    log.info(`${role} is ready`);
    log.info(`${role} stops: ${await stopped}`);
  } catch (error) {
    tell({
      failed: isExpectedFailure(error)
        ? error.message
        : `${messageOf(error)} (a mistake of ours; see its log)`,
    });
    throw error;
  } finally {
    await lifeCycle.stop();
  }
}

/** The pipeline's clock; a role run alone on a fresh Redis, with no supervisor before it, settles it. */
async function findClock(settings: RoleSettings, log: Logger): Promise<Clock> {
  // Waits for Redis: a role that is started again may come up before it.
  const redis = connectRedis(settings.REDIS_URL, log);
  try {
    return await loadClock(redis);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'no_clock') throw error;
    return await settleClock(redis, settings);
  } finally {
    redis.disconnect();
  }
}

function stopRequest(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    process.once('disconnect', () => resolve('the supervisor is gone'));
  });
}

function tell(message: ChildMessage): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
