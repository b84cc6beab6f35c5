import { messageOf } from '../../runtime/app-error.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import type { Role } from '../../runtime/roles.js';
import { within } from '../../runtime/within.js';

/** The parts without which the pipeline doesn't do all of its work; the API itself is the one that answers. */
export const partNames = ['redis', 'influxdb', 'broker', 'ingest', 'alerts'] as const;
export type PartName = (typeof partNames)[number];

export interface PartState {
  readonly ok: boolean;
  /** One sentence why it isn't ok; absent when it is. */
  readonly why?: string;
}

export type Readiness = Readonly<Record<PartName, PartState>>;

/** How long a part may take to answer, wall ms. */
export const partTimeoutMs = 1500;

const up: PartState = { ok: true };

/** Asks all parts at once; never fails and takes no longer than the slowest part may. */
export async function checkReadiness(
  readReports: () => Promise<readonly RoleReport[]>,
  influxUrl: string,
): Promise<Readiness> {
  const [reports, influxdb] = await Promise.all([
    within(partTimeoutMs, readReports()).catch((error: unknown) => messageOf(error)),
    checkInflux(influxUrl),
  ]);
  const role = (name: Role) =>
    typeof reports === 'string'
      ? { ok: false, why: 'unknown, because Redis can not be asked' }
      : judgeRole(name, reports);
  return {
    redis: typeof reports === 'string' ? { ok: false, why: `Redis: ${reports}` } : up,
    influxdb,
    broker: role('broker'),
    ingest: role('ingest'),
    alerts: role('alerts'),
  };
}

/** A role is ready when it has reported within the last ten seconds and none of its processes is in trouble. */
export function judgeRole(role: Role, reports: readonly RoleReport[]): PartState {
  const own = reports.filter((report) => report.role === role);
  if (own.length === 0) return { ok: false, why: `no process of the role "${role}" has reported lately` };
  const troubles = own.flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
  return troubles.length === 0 ? up : { ok: false, why: troubles.join('; ') };
}

async function checkInflux(influxUrl: string): Promise<PartState> {
  const url = new URL(influxUrl);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/ping`;
  // fetch refuses a URL with a password, and /ping needs none: 401 is an answer, too.
  url.username = '';
  url.password = '';
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(partTimeoutMs) });
    await response.body?.cancel();
    return response.status < 500 ? up : { ok: false, why: `InfluxDB answers ${response.status}` };
  } catch (error) {
    const reason =
      error instanceof Error && error.name === 'TimeoutError'
        ? `no answer within ${partTimeoutMs / 1000} s`
        : messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    // Ports that no browser may reach are refused by fetch, too, before anybody is asked.
    if (reason === 'bad port')
      return { ok: false, why: `InfluxDB: port ${url.port} is none for HTTP; check INFLUX_URL` };
    return { ok: false, why: `InfluxDB: ${reason}` };
  }
}
