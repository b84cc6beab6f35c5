import { Queue } from 'bullmq';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { Logger } from '../runtime/logger.js';
import type { IncidentNotice } from './incidents/incident.js';

/** Name of the queue of notices of incidents. */
export const notifyQueueName = 'notify';

/** Name of the back-off that the worker computes. */
export const notifyBackoff = 'notify';

/** What is still to be done, for the metrics. */
interface QueueDepth {
  readonly waiting: number;
  /** Wall time at which the oldest of them came in, epoch ms. */
  readonly oldestAt?: number | undefined;
}

/**
 * The queue of notices of incidents: one job per notice, whose id it has, so that adding it again does nothing while
 * the job is known, and the sent ledger sees to the rest.
 */
export class NotifyQueue {
  readonly #queue: Queue<IncidentNotice>;

  constructor(redis: Redis, log: Logger) {
    this.#queue = new Queue<IncidentNotice>(notifyQueueName, {
      connection: redis,
      prefix: redisKeys.bullPrefix,
    });
    // The connection logs its own errors; without a listener they would end the process.
    this.#queue.on('error', (error) => log.debug(`notify queue: ${error.message}`));
  }

  /** Adds all notices or none; durable when it returns. */
  async add(notices: readonly IncidentNotice[]): Promise<void> {
    await this.#queue.addBulk(
      notices.map((notice) => ({
        name: notice.kind,
        data: notice,
        opts: {
          jobId: notice.id,
          // A mail is never given up: the mail server may be away for days.
          attempts: Number.MAX_SAFE_INTEGER,
          backoff: { type: notifyBackoff },
          stackTraceLimit: 1,
          removeOnComplete: { age: 24 * 3600, count: 10_000 },
          removeOnFail: false,
        },
      })),
    );
  }

  /** Whether the notice has a job that is not done yet. */
  async isOpen(notice: string): Promise<boolean> {
    const state = await this.#queue.getJobState(notice);
    return state !== 'unknown' && state !== 'completed' && state !== 'failed';
  }

  async depth(): Promise<QueueDepth> {
    const [waiting, jobs] = await Promise.all([
      this.#queue.getJobCountByTypes('waiting', 'active', 'delayed'),
      this.#queue.getJobs(['waiting', 'active', 'delayed'], 0, 99, true),
    ]);
    // A job that ends while it is being read comes as nothing, whatever the declaration says.
    const times = (jobs as ((typeof jobs)[number] | undefined)[]).flatMap((job) => job?.timestamp ?? []);
    return { waiting, oldestAt: times.length === 0 ? undefined : Math.min(...times) };
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
