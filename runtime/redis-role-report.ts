import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { collectDefaultMetrics } from 'prom-client';
import { messageOf } from './app-error.js';
import { connectRedis } from './redis-connection.js';
import type { Redis } from './redis-connection.js';
import { redisKeys } from './redis-keys.js';
import type { RoleContext } from './role.js';
import type { Role } from './roles.js';

/** What a role says of itself every two seconds, so that any process can ask who is there and how it does. */
export interface RoleReport {
  readonly role: Role;
  readonly pid: number;
  /** Wall time, epoch ms. */
  readonly startedAt: number;
  /** Wall time of this report, epoch ms. */
  readonly at: number;
  /** Undefined when the role does its work; else one sentence why it can't. */
  readonly trouble?: string | undefined;
  /** One sentence on what will need somebody, while the role does its work. */
  readonly warning?: string | undefined;
  /** One sentence on what it does instead of its usual work, where that is no trouble. */
  readonly note?: string | undefined;
  readonly metrics: readonly MetricObjectWithValues<MetricValue<string>>[];
}

const intervalMs = 2000;
const staleMs = 10_000;

/**
 * Reports the role to Redis until it stops. `trouble` is asked at each report; Redis being away is nothing
 * to report to, so failures are left to the reader, who sees the report grow old.
 */
export function startRoleReport(
  context: RoleContext,
  role: Role,
  trouble: () => string | undefined,
  more: {
    readonly warning?: () => string | undefined;
    readonly note?: () => string | undefined;
  } = {},
): void {
  const { log, lifeCycle, metrics } = context;
  metrics.setDefaultLabels({ role });
  collectDefaultMetrics({ register: metrics });
  const redis = connectRedis(context.redisUrl, log, { enableOfflineQueue: false, commandTimeout: 5000 });
  const startedAt = Date.now();
  const field = `${role}:${process.pid}`;
  const report = async () => {
    const own: RoleReport = {
      role,
      pid: process.pid,
      startedAt,
      at: Date.now(),
      trouble: trouble(),
      warning: more.warning?.(),
      note: more.note?.(),
      metrics: await metrics.getMetricsAsJSON(),
    };
    await redis.hset(redisKeys.roles, field, JSON.stringify(own));
  };
  const attempt = () => {
    report().catch((error: unknown) => log.debug(`role report: ${messageOf(error)}`));
  };
  const timer = setInterval(attempt, intervalMs);
  redis.once('ready', attempt);
  lifeCycle.onStop('role report', async () => {
    clearInterval(timer);
    await redis.hdel(redisKeys.roles, field).catch(() => undefined);
    redis.disconnect();
  });
}

/** The reports of all roles that have spoken within the last ten seconds; older ones are removed. */
export async function readRoleReports(redis: Redis, now = Date.now()): Promise<RoleReport[]> {
  const all = await redis.hgetall(redisKeys.roles);
  const fresh: RoleReport[] = [];
  for (const [field, json] of Object.entries(all)) {
    const report = JSON.parse(json) as RoleReport;
    if (now - report.at <= staleMs) fresh.push(report);
    else await redis.hdel(redisKeys.roles, field);
  }
  return fresh;
}
