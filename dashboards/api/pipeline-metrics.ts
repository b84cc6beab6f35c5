import { Gauge, Registry } from 'prom-client';
import type { Alarm } from '../../rules/alarm.js';
import { severities } from '../../rules/alarm.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import { roles } from '../../runtime/roles.js';
import type { ProcessMetrics } from './merge-metrics.js';

/** What the API adds to the roles' own metrics; `undefined` stands for what Redis could not be asked for. */
export async function pipelineMetrics(
  reports: readonly RoleReport[] | undefined,
  activeAlarms: readonly Alarm[] | undefined,
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
  if (activeAlarms !== undefined) {
    const gauge = new Gauge({
      name: 'pc_alarms_active',
      help: 'Alarms that are active now',
      labelNames: ['severity'],
      registers,
    });
    for (const severity of severities) gauge.set({ severity }, 0);
    for (const { severity } of activeAlarms) gauge.inc({ severity });
  }
  return registry.getMetricsAsJSON();
}
