import { Gauge, Registry } from 'prom-client';
import type { Alarm } from '../../rules/alarm.js';
import { severities } from '../../rules/alarm.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import { roles } from '../../runtime/role.js';
import type { ProcessMetrics } from './merge-metrics.js';

/** What the API adds to the roles' own metrics; `undefined` stands for what Redis could not be asked for. */
export async function pipelineMetrics(
  reports: readonly RoleReport[] | undefined,
  alarms: readonly Alarm[] | undefined,
): Promise<ProcessMetrics> {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: 'pc_redis_up', help: 'Whether Redis answers the API', registers }).set(reports ? 1 : 0);
  const up = new Gauge({
    name: 'pc_role_up',
    help: 'Whether a process of the role has reported within the last ten seconds',
    labelNames: ['role'],
    registers,
  });
  for (const role of roles) up.set({ role }, reports?.some((report) => report.role === role) ? 1 : 0);
  if (alarms !== undefined) {
    const gauge = new Gauge({
      name: 'pc_alarms',
      help: 'Alarms on record',
      labelNames: ['state', 'severity'],
      registers,
    });
    for (const state of ['active', 'cleared'] as const)
      for (const severity of severities) gauge.set({ state, severity }, 0);
    for (const { state, severity } of alarms) gauge.inc({ state, severity });
  }
  return registry.getMetricsAsJSON();
}
