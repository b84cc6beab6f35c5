import type { RoleReport } from '../../runtime/redis-role-report.js';
import { roles } from '../../runtime/roles.js';
import { formatSeconds } from '../../rules/duration.js';
import type { ProcessRecord } from '../supervisor/run-record.js';

/** What is known of the processes when their trouble is looked for. */
interface Knowledge {
  readonly isRunning: (process: ProcessRecord) => boolean;
  /** What the roles have said of themselves lately; undefined when it can't be asked. */
  readonly reports: readonly RoleReport[] | undefined;
  /** Wall time, epoch ms. */
  readonly now: number;
}

/** A process that has just started need not have said anything. */
const patienceMs = 10_000;
const often = 2;
const latelyMs = 10 * 60_000;

/** One sentence for each process that is gone, hangs, or dies again and again. */
export function findProcessTrouble(processes: readonly ProcessRecord[], known: Knowledge): string[] {
  return processes.flatMap((process) => {
    const { role, pid, restarts } = process;
    if (!known.isRunning(process)) return [`${role} is not running.`];
    const upMs = known.now - process.startedAt;
    const trouble: string[] = [];
    if (restarts >= often && upMs < latelyMs) {
      const since = formatSeconds(Math.floor(upMs / 1000));
      trouble.push(
        `${role} has died ${restarts} times, the last time ${since} ago: its log in DATA_DIR/log says why.`,
      );
    }
    const isRole = (roles as readonly string[]).includes(role);
    if (isRole && upMs > patienceMs && known.reports?.some((report) => report.pid === pid) === false) {
      trouble.push(`${role} (process ${pid}) hangs: it runs, but has reported nothing lately.`);
    }
    return trouble;
  });
}
