import { join } from 'node:path';
import { findSite } from '../devices/redis-registry.js';
import { AppError, messageOf } from '../runtime/app-error.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { Leases } from '../runtime/redis-leases.js';
import { startRoleReport } from '../runtime/redis-role-report.js';
import type { RoleContext } from '../runtime/role.js';
import { anchorFileOf } from './anchor-file.js';
import { createAlertMetrics } from './alert-metrics.js';
import { NotifyQueue } from './bullmq-notify-queue.js';
import { startNotifyWorker } from './bullmq-notify-worker.js';
import { startRolloutWorker } from './control/bullmq-rollout-worker.js';
import { RedisCity } from './control/redis-city.js';
import { DeskFollower } from './incidents/redis-desk.js';
import { City } from './incidents/redis-city.js';
import { addToStory } from './incidents/redis-desk-records.js';
import type { IncidentNotice } from './incidents/incident.js';
import { composeIncidentMail } from './mail/incident-mail.js';
import type { Mailbox } from './mailer.js';
import { isMailed, notify } from './notify.js';
import type { NotifyOutcome } from './notify.js';
import { AuditKeeper } from './redis-audit-keeper.js';
import { NoticeRelay } from './redis-notice-relay.js';
import { RedisSentLedger } from './redis-sent-ledger.js';
import { parseAddresses } from './smtp-addresses.js';
import { EmlFolder } from './smtp-eml-folder.js';
import { SmtpMailer } from './smtp-mailer.js';

const sampleMs = 2000;
const anchorMs = 600_000;
const dayMs = 86_400_000;
const ledgerDays = 90;

/**
 * Starts telling people about alarms: outboxes → desk → incidents → queue → mail. Stopping finishes the turn of the
 * desk and the mails at hand; the rest stays in Redis for the next start.
 * @throws AppError `bad_setting` when MAIL_FROM or MAIL_TO has something that is no mail address.
 */
export async function startAlerts(context: RoleContext): Promise<void> {
  const { settings, clock, log, lifeCycle } = context;
  const [from] = parseAddresses('MAIL_FROM', settings.MAIL_FROM);
  const recipients = parseAddresses('MAIL_TO', settings.MAIL_TO ?? 'duty@localhost');
  if (from === undefined) throw new AppError('bad_setting', 'MAIL_FROM has no mail address.');
  const outboxFolder = join(settings.DATA_DIR, 'outbox');
  const where = settings.SMTP_URL === undefined ? outboxFolder : new URL(settings.SMTP_URL).host;
  const mailer =
    settings.SMTP_URL === undefined ? new EmlFolder(outboxFolder) : new SmtpMailer(settings.SMTP_URL);
  const metrics = createAlertMetrics(context.metrics);

  const redis = connectRedis(context.redisUrl, log, { commandTimeout: 10_000 });
  lifeCycle.onStop('redis', () => redis.disconnect());
  const workerRedis = connectRedis(context.redisUrl, log);
  lifeCycle.onStop('worker connection', () => workerRedis.disconnect());
  const reading = connectRedis(context.redisUrl, log);
  lifeCycle.onStop('notices connection', () => reading.disconnect());

  const queue = new NotifyQueue(redis, log);
  lifeCycle.onStop('notify queue', () => queue.close());
  // Without a time limit: that a mail is out must be noted, however long Redis is away, or it goes out again.
  const ledger = new RedisSentLedger(workerRedis);

  let mailTrouble: string | undefined;
  const onOutcome = async (outcome: NotifyOutcome) => {
    metrics.mails.inc({ result: outcome.kind });
    const { to, notice } = outcome;
    if (outcome.kind === 'failed') {
      const trouble = messageOf(outcome.error);
      // One line per kind of failure, not one per mail and try.
      if (trouble !== mailTrouble) log.warn(trouble);
      mailTrouble = trouble;
    } else {
      if (mailTrouble !== undefined) log.info('mails are being taken again');
      mailTrouble = undefined;
      if (outcome.kind === 'sent') log.info({ to, notice: notice.id }, 'mail sent');
      else
        log.error(
          { to, notice: notice.id },
          `The mail server refuses mails to ${to}: ${outcome.reason}. Check MAIL_TO.`,
        );
    }
    await addToStory(workerRedis, notice.incident.id, {
      id: `mail~${notice.id}~${to}~${outcome.kind}`,
      at: clock.now(),
      kind: 'mail',
      text: describeMail(outcome, where),
    });
  };
  const compose = async (notice: IncidentNotice, to: Mailbox) => {
    const { root } = notice.incident;
    const site = await findSite(redis, root.site);
    const since = notice.kind === 'opened' ? root.raisedAt : notice.at;
    return composeIncidentMail(notice, from, to, {
      siteName: site?.nameZh ?? site?.nameEn,
      timeZone: settings.TIMEZONE,
      simulatedClock: clock.spec.kind === 'simulated',
      delayMs: clock.wallMs(clock.now() - since),
    });
  };
  const minSeverity = settings.MAIL_MIN_SEVERITY;
  const notifyParts = { recipients, minSeverity, ledger, mailer, compose, onOutcome };

  const worker = startNotifyWorker({
    redis: workerRedis,
    queue,
    notify: async (notice, stillOurs) => {
      await notify(notice, notifyParts, stillOurs);
      if (isMailed(notice, minSeverity)) return;
      await addToStory(workerRedis, notice.incident.id, {
        id: `no_mail~${notice.id}`,
        at: clock.now(),
        kind: 'no_mail',
        text: `nobody is mailed: ${notice.incident.peak} is below MAIL_MIN_SEVERITY (${minSeverity})`,
      });
    },
    log,
  });
  lifeCycle.onStop('notify worker', () => worker.close());

  const city = new RedisCity(workerRedis, settings.TIMEZONE);
  const rollouts = startRolloutWorker(redis, { redis: workerRedis, clock, city }, log);
  lifeCycle.onStop('rollout worker', () => rollouts.close());

  const relay = new NoticeRelay({ reading, redis, handOver: (notices) => queue.add(notices), log });
  lifeCycle.onStop('notice relay', () => relay.stop());
  relay.start();

  const desk = await startDesk(context, redis);

  const sample = async () => {
    const [depth, outbox] = await Promise.all([queue.depth(), countTransitions(redis)]);
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

  startRoleReport(
    context,
    'alerts',
    () => (redis.status === 'reconnecting' ? 'Redis can not be reached.' : mailTrouble),
    { note: () => desk.waiting },
  );
  const names = recipients.map(({ address }) => address).join(', ');
  log.info(`incident mails to ${names} go to ${where}`);
}

/** Takes the outboxes of all shards, as soon as no other process does. */
async function startDesk(context: RoleContext, redis: Redis): Promise<DeskFollower> {
  const { settings, clock, log, lifeCycle, redisUrl } = context;
  const reading = connectRedis(redisUrl, log);
  lifeCycle.onStop('desk connection', () => reading.disconnect());
  const leases = new Leases(redis, log);
  lifeCycle.onStop('desk lease', () => leases.stop());
  const city = await City.load(redis, redisUrl, log);
  lifeCycle.onStop('city', () => city.stop());
  const times = {
    waitMs: settings.INCIDENT_WAIT_S * 1000,
    fleetingMs: settings.FLEETING_S * 1000,
    quietMs: settings.INCIDENT_QUIET_S * 1000,
    graceMs: settings.RECOVERY_GRACE_S * 1000,
  };
  const retention = {
    alarms: settings.ALARM_HISTORY_COUNT,
    incidents: settings.INCIDENT_HISTORY_COUNT,
    ageMs: settings.INCIDENT_HISTORY_DAYS * dayMs,
  };
  const desk = new DeskFollower({ reading, redis, leases, city, clock, times, retention, log });
  lifeCycle.onStop('desk', () => desk.stop());
  desk.start();
  return desk;
}

/** Alarm transitions that the desk has not taken yet. */
async function countTransitions(redis: Redis): Promise<number> {
  const shards = await readShardCount(redis);
  const lengths = await Promise.all(
    Array.from({ length: shards }, (_, shard) => redis.xlen(redisKeys.outbox(shard))),
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}

function describeMail(outcome: NotifyOutcome, where: string): string {
  const { to, notice, kind } = outcome;
  const what = `the mail "${notice.kind}" to ${to}`;
  if (kind === 'sent') return `${where} took ${what}`;
  if (kind === 'refused') return `${where} refused ${what} for good: ${outcome.reason}`;
  return `${what} could not be sent and is tried again: ${messageOf(outcome.error)}`;
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
