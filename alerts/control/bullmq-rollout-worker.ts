import { DelayedError, Queue, Worker } from 'bullmq';
import { messageOf } from '../../runtime/app-error.js';
import type { Logger } from '../../runtime/logger.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { activeRollouts, changeRollout } from './redis-rollouts.js';
import { runRollout } from './redis-rollout-run.js';
import type { RolloutParts } from './redis-rollout-run.js';

const queueName = 'rollout';
const stepMs = 250;
const lookMs = 1000;
// Short, so that a rollout whose process died goes on within seconds; to lose the lock does no harm.
const lockMs = 5000;
const stalledCheckMs = 2500;
/** After so many failures in a row it is paused, for a person to look at and to resume. */
const mostFailures = 10;

/** What is started here. */
export interface RolloutWorker {
  close(): Promise<void>;
}

/**
 * Looks after all rollouts: one job each, with the rollout's id, that comes back until there is nothing more to do. The
 * records say what there is to do; a job that is lost is added again.
 * @param queueRedis a connection for adding jobs; the worker has that of `parts`
 */
export function startRolloutWorker(queueRedis: Redis, parts: RolloutParts, log: Logger): RolloutWorker {
  const { redis, clock } = parts;
  const options = { prefix: redisKeys.bullPrefix };
  const queue = new Queue(queueName, { connection: queueRedis, ...options });
  queue.on('error', (error) => log.debug(`rollout queue: ${error.message}`));
  const failures = new Map<string, number>();
  const step = async (id: string): Promise<boolean> => {
    try {
      const more = await runRollout(id, parts);
      failures.delete(id);
      return more;
    } catch (error) {
      const count = (failures.get(id) ?? 0) + 1;
      failures.set(id, count);
      log.warn({ rollout: id }, `a rollout could not be taken on: ${messageOf(error)}`);
      if (count < mostFailures) return true;
      failures.delete(id);
      const why = `it failed ${count} times in a row: ${messageOf(error)}`;
      await changeRollout(redis, id, 'paused', { at: clock.now(), by: 'rollout', why });
      return false;
    }
  };
  const worker = new Worker<{ readonly id: string }>(
    queueName,
    async (job, token) => {
      if (!(await step(job.data.id))) return;
      await job.moveToDelayed(Date.now() + stepMs, token);
      throw new DelayedError();
    },
    {
      connection: redis,
      ...options,
      concurrency: 4,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      // However often a process died with it, somebody has to go on.
      maxStalledCount: 1_000_000,
    },
  );
  worker.on('error', (error) => log.debug(`rollout worker: ${error.message}`));

  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    try {
      for (const id of await activeRollouts(redis)) {
        await queue.add('rollout', { id }, { jobId: id, removeOnComplete: true, removeOnFail: true });
      }
    } catch (error) {
      log.debug(`rollouts: ${messageOf(error)}`);
    }
    if (!stopped) timer = setTimeout(() => void look(), lookMs);
  };
  void look();
  return {
    close: async () => {
      stopped = true;
      clearTimeout(timer);
      await worker.close();
      await queue.close();
    },
  };
}
