import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Alarm } from '../../rules/alarm.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import { mergeMetrics } from './merge-metrics.js';
import { pipelineMetrics } from './pipeline-metrics.js';
import { partTimeoutMs } from './readiness.js';
import { within } from '../../runtime/within.js';

/** `/metrics`: the metrics of all roles in the Prometheus text format; without Redis, those of the API alone. */
export function addMetricsRoute(
  server: FastifyInstance,
  sources: {
    /** The API's own metrics. */
    readonly own: Registry;
    readonly readReports: () => Promise<readonly RoleReport[]>;
    readonly readActiveAlarms: () => Promise<readonly Alarm[]>;
  },
): void {
  server.get('/metrics', async (_request, reply) => {
    const [reports, alarms, own] = await Promise.all([
      within(partTimeoutMs, sources.readReports()).catch(() => undefined),
      within(partTimeoutMs, sources.readActiveAlarms()).catch(() => undefined),
      sources.own.getMetricsAsJSON(),
    ]);
    // What this process reported to Redis is older than what it knows.
    const others = (reports ?? []).filter(({ role, pid }) => role !== 'api' || pid !== process.pid);
    const all = [...others.map(({ metrics }) => metrics), own, await pipelineMetrics(reports, alarms)];
    return reply.type(sources.own.contentType).send(await mergeMetrics(all));
  });
}
