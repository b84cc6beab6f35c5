import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../runtime/clock.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import { partTimeoutMs } from './readiness.js';
import { within } from '../../runtime/within.js';

/** `/api/v1/clock`: what time it is in the pipeline. `/api/v1/status`: who runs, and how many alarms there are. */
export function addPipelineRoutes(
  server: FastifyInstance,
  sources: {
    readonly clock: Clock;
    readonly readReports: () => Promise<readonly RoleReport[]>;
    readonly countAlarms: () => Promise<{ active: number; cleared: number }>;
  },
): void {
  const { clock } = sources;
  const showClock = () => ({
    kind: clock.spec.kind,
    now: clock.now(),
    speed: clock.spec.kind === 'wall' ? 1 : clock.spec.speed,
  });
  server.get('/api/v1/clock', showClock);
  server.get('/api/v1/status', async () => {
    const [reports, alarms] = await within(
      partTimeoutMs,
      Promise.all([sources.readReports(), sources.countAlarms()]),
    ).catch((cause: unknown) => {
      throw Object.assign(new Error('Redis can not be asked now; see /readyz.', { cause }), {
        statusCode: 503,
      });
    });
    return {
      clock: showClock(),
      processes: reports.map(({ role, pid, startedAt, trouble, note }) => ({
        role,
        pid,
        uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
        ...(trouble === undefined ? {} : { trouble }),
        ...(note === undefined ? {} : { note }),
      })),
      alarms,
    };
  });
}
