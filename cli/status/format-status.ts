import { formatPairs, formatTable, shortPath } from '../terminal/table.js';
import { formatSeconds } from '../../rules/duration.js';
import { formatTime } from '../terminal/time.js';
import type { Status } from './status.js';

/** The status for people; says first what is wrong, and that the clock is simulated where it is. */
export function formatStatus(status: Status, timezone: string): string {
  const { listeners, http, influx, redis, clock, ledger, alarms } = status;
  const influxKind = influx.version === null ? 'does not answer' : `InfluxDB ${influx.version}`;
  const ledgerLine =
    ledger === null
      ? 'not known'
      : `${ledger.received} received = ${ledger.written} written + ${ledger.quarantined} quarantined + ` +
        `${ledger.expired === 0 ? '' : `${ledger.expired} expired in quarantine + `}${ledger.duplicates} duplicates + ${ledger.pending} pending; ${ledger.gaps} gaps, ${ledger.late} late`;
  const time = clock.now === null ? '' : `, ${formatTime(Date.parse(clock.now), timezone)} ${timezone}`;
  const pairs: [string, string][] = [
    ['MQTT', listeners.join(', ')],
    ['HTTP', http],
    ['InfluxDB', `${influx.url ?? 'not known'}, database ${influx.database} (${influxKind})`],
    ['Redis', redis],
    ...(status.dataFolder === null
      ? []
      : [['Data folder', shortPath(status.dataFolder)] as [string, string]]),
    ['Readings', ledgerLine],
    ['Alarms', alarms === null ? 'not known' : `${alarms.active} active, ${alarms.cleared} cleared`],
  ];
  const { sitesWithoutTimetable: untimed } = status;
  if (untimed !== null && untimed.length > 0) {
    const some =
      untimed.slice(0, 5).join(', ') + (untimed.length > 5 ? ` and ${untimed.length - 5} more` : '');
    pairs.push([
      'No timetable',
      `${some}: rules about lessons and breaks are not judged there; see "campus registry import --help"`,
    ]);
  }
  const refused = Object.entries(status.refusals ?? {});
  if (refused.length > 0) {
    const counts = refused.map(([reason, count]) => `${count} ${reason}`).join(', ');
    const { refusalsSince: since } = status;
    const from =
      since === null ? '' : `, since the broker started at ${formatTime(Date.parse(since), timezone)}`;
    pairs.push(['Refused', counts + from]);
  }
  if (clock.kind === 'simulated') pairs.push(['Clock', `SIMULATED${time}: not the time of day`]);
  const processes = formatTable(
    ['Process', 'Pid', 'Restarts', 'Up for'],
    status.processes.map(({ role, pid, ready, restarts, uptimeSeconds }) => [
      role,
      pid,
      restarts,
      ready ? formatSeconds(uptimeSeconds) : `starting for ${formatSeconds(uptimeSeconds)}`,
    ]),
  );
  const trouble = status.trouble.map((sentence) => `! ${sentence}\n`).join('');
  return `${trouble}${formatPairs(pairs)}\n${processes}`;
}
