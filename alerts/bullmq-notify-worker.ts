import { Worker } from 'bullmq';
import type { Job } from 'bullmq';
import { AppError } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { notifyBackoff, notifyQueueName } from './bullmq-notify-queue.js';
import type { NotifyQueue } from './bullmq-notify-queue.js';
import { openedNotice } from './incidents/incident.js';
import type { IncidentNotice } from './incidents/incident.js';

interface WorkerParts {
  readonly redis: Redis;
  readonly queue: NotifyQueue;
  /** Does the job; running it again must be harmless. */
  readonly notify: (notice: IncidentNotice, stillOurs: () => Promise<void>) => Promise<void>;
  readonly log: Logger;
  /** Wall ms before a first retry, doubled up to a minute. @defaultValue 1000 */
  readonly firstRetryMs?: number | undefined;
}

const concurrency = 4;
const longestRetryMs = 60_000;
// A job of a process that died is taken up again after at most this and two checks.
const lockMs = 15_000;
const stalledCheckMs = 5000;

/**
 * Works off the notify queue. A job that fails is tried again for ever, a minute apart at most; one whose
 * process died is done by another, or by the next. `close()` waits for the jobs at hand.
 */
export function startNotifyWorker(parts: WorkerParts): Worker<IncidentNotice> {
  const { firstRetryMs = 1000, log } = parts;
  const worker = new Worker<IncidentNotice>(notifyQueueName, (job, token = '') => work(job, token, parts), {
    connection: parts.redis,
    prefix: redisKeys.bullPrefix,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledCheckMs,
    // A job whose process died again and again is still a mail that somebody has to get.
    maxStalledCount: 1_000_000,
    settings: {
      backoffStrategy: (attempt, type) => {
        if (type !== notifyBackoff) return -1;
        return Math.round(
          Math.min(firstRetryMs * 2 ** (attempt - 1), longestRetryMs) * (0.75 + Math.random() / 2),
        );
      },
    },
  });
  worker.on('error', (error) => log.debug(`notify worker: ${error.message}`));
  worker.on('failed', (job, error) => {
    // Expected failures are told, once per kind, by whoever they come from.
    if (!(error instanceof AppError))
      log.error({ notice: job?.id, error: error.stack }, 'a mail could not be made');
  });
  worker.on('stalled', (id) =>
    log.warn({ notice: id }, 'the process that had this mail is gone; taken up again'),
  );
  return worker;
}

async function work(job: Job<IncidentNotice>, token: string, { queue, notify }: WorkerParts): Promise<void> {
  const { id, kind, incident } = job.data;
  // After an outage several mails may be waiting: people must not read of the end before the beginning.
  if (kind !== 'opened' && (await queue.isOpen(openedNotice(incident.id)))) {
    throw new AppError('opening_first', 'the mail that opened this incident is not out yet', {
      retryable: true,
    });
  }
  await notify(job.data, async () => {
    // A process that was stopped for long may have lost the job to another one without noticing.
    const extended = await job.extendLock(token, lockMs);
    if (extended !== 1)
      throw new AppError('lock_lost', `another worker has ${id} by now`, { retryable: true });
  });
}
