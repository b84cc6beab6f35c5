import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/** The counters of the alerts role. */
export interface AlertMetrics {
  /** Mails by `result`: `sent`, `refused` for good, `failed` and to be tried again. */
  readonly mails: Counter<'result'>;
  readonly waiting: Gauge;
  readonly oldestSeconds: Gauge;
  readonly outbox: Gauge;
}

export function createAlertMetrics(registry: Registry): AlertMetrics {
  const registers = [registry];
  const mails = new Counter({
    name: 'pc_mails_total',
    help: 'Mails by result: sent, refused for good, failed and to be tried again',
    labelNames: ['result'] as const,
    registers,
  });
  for (const result of ['sent', 'refused', 'failed']) mails.inc({ result }, 0);
  return {
    mails,
    waiting: new Gauge({
      name: 'pc_mail_jobs_waiting',
      help: 'Notices of incidents whose mails are not all out',
      registers,
    }),
    oldestSeconds: new Gauge({
      name: 'pc_mail_job_age_seconds',
      help: 'Age of the oldest waiting mail job',
      registers,
    }),
    outbox: new Gauge({
      name: 'pc_outbox_entries',
      help: 'Alarm transitions that the desk has not taken yet',
      registers,
    }),
  };
}
