import type { Device } from '../../devices/device.js';
import { readLedger } from '../../ingest/ledger/redis-ledger.js';
import { countAlarms } from '../../alerts/redis-alarm-list.js';
import { messageOf } from '../../runtime/app-error.js';
import { allMqttAddresses, plainAddress } from '../../runtime/mqtt-addresses.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readRoleReports } from '../../runtime/redis-role-report.js';
import type { RoleReport } from '../../runtime/redis-role-report.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { within } from '../../runtime/within.js';
import { displayUrl } from '../instance.js';
import type { Instance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { isRunning } from '../supervisor/run-record.js';
import type { InfluxAddress, ProcessRecord } from '../supervisor/run-record.js';
import { countRefusals } from './count-refusals.js';
import { findProcessTrouble } from './process-trouble.js';
import type { Status } from './status.js';

const patienceMs = 3000;

/** Asks every part how it does, all at once, none for longer than a few seconds; never throws for one that is away. */
export async function readStatus(instance: Instance, now = Date.now()): Promise<Status> {
  const { settings, record, redisUrl } = instance;
  const influx: InfluxAddress | undefined =
    record?.influx ??
    (settings.INFLUX_URL === undefined
      ? undefined
      : {
          url: settings.INFLUX_URL,
          database: settings.INFLUX_BUCKET,
          token: settings.INFLUX_TOKEN,
          org: settings.INFLUX_ORG,
        });
  const [fromRedis, fromInflux] = await Promise.all([askRedis(redisUrl), askInflux(influx)]);
  const addresses = allMqttAddresses(settings);
  const processes = record?.processes ?? fromRedis.processes;
  return {
    mqtt: record === undefined ? plainAddress(addresses) : record.mqtt,
    listeners: record?.listeners ?? addresses.map(({ url }) => url),
    http: record?.http ?? `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}`,
    influx: {
      url: influx === undefined ? null : displayUrl(influx.url),
      database: influx?.database ?? settings.INFLUX_BUCKET,
      version: fromInflux.version,
      kind: fromInflux.kind,
    },
    redis: displayUrl(redisUrl),
    dataFolder: instance.folder ?? null,
    processes: processes.map(({ role, pid, ready, restarts, startedAt }) => ({
      role,
      pid,
      ready,
      restarts,
      uptimeSeconds: Math.floor((now - startedAt) / 1000),
    })),
    ledger: fromRedis.ledger,
    alarms: fromRedis.alarms,
    sitesWithoutTimetable: fromRedis.sitesWithoutTimetable,
    ...(fromRedis.reports === undefined
      ? { refusals: null, refusalsSince: null }
      : countRefusals(fromRedis.reports)),
    clock: { kind: record?.clock ?? fromRedis.clock.kind, now: fromRedis.clock.now },
    trouble: [
      ...findProcessTrouble(processes, {
        // Another machine's processes can't be looked for here.
        isRunning: record === undefined ? () => true : isRunning,
        reports: fromRedis.reports,
        now,
      }),
      ...fromRedis.trouble,
      ...fromInflux.trouble,
    ],
  };
}

interface RedisAnswer extends Pick<Status, 'ledger' | 'alarms' | 'clock' | 'sitesWithoutTimetable'> {
  readonly processes: readonly ProcessRecord[];
  /** Undefined when Redis can't be asked. */
  readonly reports: readonly RoleReport[] | undefined;
  readonly trouble: readonly string[];
}

async function askRedis(url: string): Promise<RedisAnswer> {
  try {
    return await withRedis(url, tell, patienceMs);
  } catch (error) {
    return {
      ledger: null,
      alarms: null,
      sitesWithoutTimetable: null,
      clock: { kind: null, now: null },
      processes: [],
      reports: undefined,
      trouble: [`Redis: ${messageOf(error)}`],
    };
  }
}

async function tell(redis: Redis): Promise<RedisAnswer> {
  const [ledger, alarms, reports, processes, clock, devices, timed] = await Promise.all([
    readLedger(redis),
    countAlarms(redis),
    readRoleReports(redis),
    redis.hvals(redisKeys.processes),
    loadClock(redis),
    redis.hvals(redisKeys.devices),
    redis.hkeys(redisKeys.timetables),
  ]);
  const sites = new Set(devices.map((json) => (JSON.parse(json) as Device).site));
  return {
    ledger,
    alarms,
    sitesWithoutTimetable: [...sites].filter((site) => !timed.includes(site)).sort(),
    clock: { kind: clock.spec.kind, now: new Date(clock.now()).toISOString() },
    reports,
    processes: processes.map((json) => JSON.parse(json) as ProcessRecord),
    trouble: [
      ...reports.flatMap(({ role, trouble, warning }) =>
        [trouble, warning].flatMap((sentence) => (sentence === undefined ? [] : [`${role}: ${sentence}`])),
      ),
      ...(ledger.unaccounted === 0
        ? []
        : [`The ledger does not add up: ${ledger.unaccounted} messages are unaccounted for.`]),
    ],
  };
}

interface InfluxAnswer extends Pick<Status['influx'], 'version' | 'kind'> {
  readonly trouble: readonly string[];
}

async function askInflux(address: InfluxAddress | undefined): Promise<InfluxAnswer> {
  if (address === undefined) return { version: null, kind: null, trouble: [] };
  const { url, token, org, database } = address;
  try {
    const { version, kind } = await within(
      patienceMs,
      openInflux({ url, token, org, bucket: database }),
      `InfluxDB at ${displayUrl(url)} does not answer.`,
    );
    return { version, kind, trouble: [] };
  } catch (error) {
    return { version: null, kind: null, trouble: [messageOf(error)] };
  }
}
