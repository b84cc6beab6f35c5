import { join } from 'node:path';
import { findSite } from '../devices/redis-registry.js';
import type { OutboxEntry } from '../rules/alarm.js';
import { AppError, messageOf } from '../runtime/app-error.js';
import { connectRedis } from '../runtime/redis-connection.js';
import { startRoleReport } from '../runtime/redis-role-report.js';
import type { RoleContext } from '../runtime/role.js';
import { anchorFileOf } from './anchor-file.js';
import { createAlertMetrics } from './alert-metrics.js';
import { NotifyQueue } from './bullmq-notify-queue.js';
import { startNotifyWorker } from './bullmq-notify-worker.js';
import { startRolloutWorker } from './control/bullmq-rollout-worker.js';
import { RedisCity } from './control/redis-city.js';
import { composeAlarmMail } from './mail/alarm-mail.js';
import type { Mailbox } from './mailer.js';
import { notify } from './notify.js';
import type { NotifyOutcome } from './notify.js';
import { AuditKeeper } from './redis-audit-keeper.js';
import { OutboxRelay } from './redis-outbox.js';
import { RedisSentLedger } from './redis-sent-ledger.js';
import { parseAddresses } from './smtp-addresses.js';
import { EmlFolder } from './smtp-eml-folder.js';
import { SmtpMailer } from './smtp-mailer.js';

const sampleMs = 2000;
const anchorMs = 600_000;
const dayMs = 86_400_000;
const ledgerDays = 90;

/**
 * Starts telling people about alarms: outbox → queue → mail. Stopping finishes the mails at hand; the rest
 * stays in Redis for the next start.
 * @throws AppError `bad_setting` when MAIL_FROM or MAIL_TO has something that is no mail address.
 */
export async function startAlerts(context: RoleContext): Promise<void> {
  const { settings, clock, log, lifeCycle } = context;
  const [from] = parseAddresses('MAIL_FROM', settings.MAIL_FROM);
  const recipients = parseAddresses('MAIL_TO', settings.MAIL_TO ?? 'duty@localhost');
  if (from === undefined) throw new AppError('bad_setting', 'MAIL_FROM has no mail address.');
  const outboxFolder = join(settings.DATA_DIR, 'outbox');
  const mailer =
    settings.SMTP_URL === undefined ? new EmlFolder(outboxFolder) : new SmtpMailer(settings.SMTP_URL);
  const metrics = createAlertMetrics(context.metrics);

  const redis = connectRedis(context.redisUrl, log, { commandTimeout: 10_000 });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const workerRedis = connectRedis(context.redisUrl, log);
  lifeCycle.onStop('worker connection', () => workerRedis.disconnect());
  const reading = connectRedis(context.redisUrl, log);
  lifeCycle.onStop('outbox connection', () => reading.disconnect());

  const queue = new NotifyQueue(redis, log);
  lifeCycle.onStop('notify queue', () => queue.close());
  // Without a time limit: that a mail is out must be noted, however long Redis is away, or it goes out again.
  const ledger = new RedisSentLedger(workerRedis);

  let mailTrouble: string | undefined;
  const onOutcome = (outcome: NotifyOutcome) => {
    metrics.mails.inc({ result: outcome.kind });
    if (outcome.kind === 'failed') {
      const trouble = messageOf(outcome.error);
      // One line per kind of failure, not one per mail and try.
      if (trouble !== mailTrouble) log.warn(trouble);
      mailTrouble = trouble;
      return;
    }
    if (mailTrouble !== undefined) log.info('mails are being taken again');
    mailTrouble = undefined;
    const { to, transition } = outcome;
    if (outcome.kind === 'sent') log.info({ to, transition }, 'mail sent');
    else
      log.error(
        { to, transition },
        `The mail server refuses mails to ${to}: ${outcome.reason}. Check MAIL_TO.`,
      );
  };
  const compose = async (entry: OutboxEntry, to: Mailbox) => {
    const site = await findSite(redis, entry.alarm.site);
    return composeAlarmMail(entry, from, to, {
      siteName: site?.nameZh ?? site?.nameEn,
      timeZone: settings.TIMEZONE,
      simulatedClock: clock.spec.kind === 'simulated',
      delayMs: clock.wallMs(clock.now() - entry.transition.at),
    });
  };
  const notifyParts = {
    recipients,
    minSeverity: settings.MAIL_MIN_SEVERITY,
    ledger,
    mailer,
    compose,
    onOutcome,
  };

  const worker = startNotifyWorker({
    redis: workerRedis,
    queue,
    notify: (entry, stillOurs) => notify(entry, notifyParts, stillOurs),
    log,
  });
  lifeCycle.onStop('notify worker', () => worker.close());

  const city = new RedisCity(workerRedis, settings.TIMEZONE);
  const rollouts = startRolloutWorker(redis, { redis: workerRedis, clock, city }, log);
  lifeCycle.onStop('rollout worker', () => rollouts.close());

  const relay = new OutboxRelay({ reading, redis, handOver: (entries) => queue.add(entries), log });
  lifeCycle.onStop('outbox relay', () => relay.stop());
  relay.start();

  const sample = async () => {
    const [depth, outbox] = await Promise.all([queue.depth(), relay.length()]);
    metrics.waiting.set(depth.waiting);
    metrics.oldestSeconds.set(depth.oldestAt === undefined ? 0 : (Date.now() - depth.oldestAt) / 1000);
    metrics.outbox.set(outbox);
  };
  every(context, 'metrics sampler', sampleMs, sample);
  every(context, 'sent ledger', dayMs, () => ledger.forgetBefore(Date.now() - ledgerDays * dayMs));

  const keeper = new AuditKeeper({
    redis,
    clock,
    log,
    file: anchorFileOf(settings.DATA_DIR),
    keptDays: settings.AUDIT_DAYS,
  });
  every(context, 'audit anchors', anchorMs, () => keeper.anchor());
  every(context, 'audit retention', dayMs, () => keeper.trim());

  startRoleReport(context, 'alerts', () =>
    redis.status === 'reconnecting' ? 'Redis can not be reached.' : mailTrouble,
  );
  const names = recipients.map(({ address }) => address).join(', ');
  const where = settings.SMTP_URL === undefined ? outboxFolder : new URL(settings.SMTP_URL).host;
  log.info(`alarm mails to ${names} go to ${where}`);
  return Promise.resolve();
}

/** Runs the task now and then again after each pause; a failure waits for the next time. */
function every(
  { log, lifeCycle }: RoleContext,
  name: string,
  pauseMs: number,
  task: () => Promise<void>,
): void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const run = async () => {
    await task().catch((error: unknown) => log.debug(`${name}: ${messageOf(error)}`));
    if (!stopped) timer = setTimeout(() => void run(), pauseMs);
  };
  void run();
  lifeCycle.onStop(name, () => {
    stopped = true;
    clearTimeout(timer);
  });
}
