import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { AuditEvent } from './audit.js';
import { queueAudit } from './redis-audit.js';

/** Who stopped all commands of the city. */
export interface Stop {
  readonly by: string;
  /** Pipeline time, epoch ms. */
  readonly at: number;
  readonly why: string;
}

/** From now on no command is issued, and none that waits is delivered, until somebody lets them go again. */
export async function stopAll(redis: Redis, stop: Stop): Promise<void> {
  const before = await readStop(redis);
  await commit(
    redis,
    { ...stop, what: 'control.stopped', id: 'all', before, after: stop.why },
    JSON.stringify(stop),
  );
}

/** Lets commands go again. @returns what had stopped them; undefined: nothing had */
export async function resumeAll(redis: Redis, who: Stop): Promise<Stop | undefined> {
  const before = await readStop(redis);
  if (before !== undefined)
    await commit(redis, { ...who, what: 'control.resumed', id: 'all', before }, undefined);
  return before;
}

/** What is told whoever wants a command meanwhile. */
export function stoppedError({ by, why }: Stop): AppError {
  return new AppError(
    'stopped',
    `All commands are stopped (${by}: ${why}): see "campus command resume-all".`,
  );
}

/** What has stopped all commands; undefined: nothing has. */
export async function readStop(redis: Redis): Promise<Stop | undefined> {
  const json = await redis.get(redisKeys.commandsStopped);
  return json === null ? undefined : (JSON.parse(json) as Stop);
}

async function commit(redis: Redis, event: AuditEvent, json: string | undefined): Promise<void> {
  const multi = redis.multi();
  if (json === undefined) multi.del(redisKeys.commandsStopped);
  else multi.set(redisKeys.commandsStopped, json);
  const results = await queueAudit(multi, [event]).exec();
  for (const [error] of results ?? []) if (error !== null) throw error;
}
