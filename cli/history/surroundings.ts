import { MaintenancePlan } from '../../devices/maintenance.js';
import { listMaintenance } from '../../devices/redis-maintenance.js';
import { loadRegistry } from '../../devices/redis-registry-snapshot.js';
import { emptyRegistry } from '../../devices/registry.js';
import type { Registry } from '../../devices/registry.js';
import { createCalendar } from '../../rules/calendar.js';
import type { Calendar } from '../../rules/calendar.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { openInflux } from '../../runtime/influx-connection.js';
import type { Influx, InfluxOptions } from '../../runtime/influx-connection.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { SettingName, Settings } from '../../runtime/settings.js';
import { displayUrl, findInstanceIfAny } from '../instance.js';
import type { Instance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { instanceSettings, readSettings } from '../settings-flags.js';
import { within } from '../../runtime/within.js';

/** Settings that lead a verb to what was recorded, and to the rules. */
export const historySettings: readonly SettingName[] = [
  ...instanceSettings,
  'INFLUX_URL',
  'INFLUX_TOKEN',
  'INFLUX_ORG',
  'INFLUX_BUCKET',
  'TIMEZONE',
  'RULES_DIR',
  'RULES_CATALOGUE',
];

/** What a verb about history works with: the running pipeline's, where there is one. */
export interface Surroundings {
  readonly settings: Settings;
  /** Undefined where no pipeline runs: history can be judged without one. */
  readonly instance: Instance | undefined;
  readonly registry: Registry;
  readonly calendar: Calendar;
  /** Pipeline time, epoch ms. */
  readonly now: number;
}

/** @throws AppError when REDIS_URL leads to no Redis that answers */
export async function readSurroundings(options: Readonly<Record<string, unknown>>): Promise<Surroundings> {
  const settings = readSettings(options);
  const instance = findInstanceIfAny(options);
  const known =
    instance === undefined
      ? { registry: emptyRegistry, windows: [], now: Date.now() }
      : await withRedis(instance.redisUrl, async (redis) => ({
          registry: (await loadRegistry(redis)).registry,
          windows: await listMaintenance(redis),
          now: (await loadClock(redis).catch(() => undefined))?.now() ?? Date.now(),
        }));
  const { timetables } = known.registry;
  const { windows, ...where } = known;
  const maintenance = new MaintenancePlan(windows);
  const calendar = createCalendar({
    timeZone: settings.TIMEZONE,
    timetable: (site) => timetables.get(site),
    isInMaintenance: (device, at) => maintenance.covers(device, at),
  });
  return { settings, instance, ...where, calendar };
}

const patienceMs = 5000;

/**
 * The InfluxDB with the history: INFLUX_URL, else the running pipeline's.
 * @throws AppError `no_history` where there is none, `influx_unreachable`, `influx_setup`
 */
export async function openHistory({ settings, instance }: Surroundings): Promise<Influx> {
  const address = influxOf(settings, instance);
  if (address === undefined) {
    throw new AppError(
      'no_history',
      'No pipeline runs here whose history could be read: start it with "campus up", name its folder with ' +
        '--data-dir, or its InfluxDB with --influx-url.',
    );
  }
  try {
    return await within(patienceMs, openInflux({ ...address, readOnly: true }));
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = `InfluxDB at ${displayUrl(address.url)} does not answer: ${messageOf(error)}.`;
    throw new AppError('influx_unreachable', why, { retryable: true, cause: error });
  }
}

function influxOf(settings: Settings, instance: Instance | undefined): InfluxOptions | undefined {
  if (settings.INFLUX_URL !== undefined) {
    const { INFLUX_URL: url, INFLUX_TOKEN: token, INFLUX_ORG: org, INFLUX_BUCKET: bucket } = settings;
    return { url, token, org, bucket };
  }
  const address = instance?.record?.influx;
  return address && { ...address, bucket: address.database };
}

/**
 * Asks the InfluxDB something.
 * @throws AppError `influx_unreachable` with what it said
 */
export async function ask(influx: Influx, influxql: string) {
  try {
    return await influx.query(influxql);
  } catch (error) {
    const why = `InfluxDB at ${displayUrl(influx.url)} does not answer for "${influx.database}": ${messageOf(error)}.`;
    throw new AppError('influx_unreachable', why, { retryable: true, cause: error });
  }
}
