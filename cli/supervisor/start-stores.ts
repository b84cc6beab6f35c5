import { join } from 'node:path';
import type { LifeCycle } from '../../runtime/life-cycle.js';
import { messageOf } from '../../runtime/app-error.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { assertDurable } from '../../runtime/redis-durability.js';
import type { Settings } from '../../runtime/settings.js';
import { displayUrl } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { privateInflux } from '../stores/influx-store.js';
import { ensureServers } from '../stores/install-servers.js';
import type { ServerName } from '../stores/install-plan.js';
import { setUpInflux2 } from '../stores/private-influx2.js';
import { describeRedis, privateRedis } from '../stores/redis-store.js';
import { choosePorts } from '../stores/store-ports.js';
import type { StorePorts } from '../stores/store-ports.js';
import type { Outcome, Steps } from '../terminal/steps.js';
import { shortPath } from '../terminal/table.js';
import type { ProcessTable } from './process-table.js';
import type { InfluxAddress } from './run-record.js';
import type { ChildSpec } from './supervised-child.js';

interface Surroundings {
  readonly table: ProcessTable;
  readonly lifeCycle: LifeCycle;
  readonly steps: Steps;
  readonly signal: AbortSignal;
}

interface Stores {
  readonly redis: string;
  readonly influx: InfluxAddress;
}

/**
 * Takes the databases that the settings name, or starts private ones (installing their programs where
 * missing), as children in the table.
 */
export async function startStores(settings: Settings, around: Surroundings): Promise<Stores> {
  const { steps, table, signal } = around;
  const wanted: ServerName[] = [];
  if (settings.REDIS_URL === undefined) wanted.push('redis');
  if (settings.INFLUX_URL === undefined) wanted.push('influxdb');
  const programs =
    wanted.length === 0
      ? undefined
      : await steps.run(
          'Databases',
          (say) => ensureServers(wanted, say),
          (found) => Object.values(found).join(', '),
        );
  signal.throwIfAborted();
  const ports = await choosePorts(settings.DATA_DIR);
  const redis = await startRedis(settings, programs?.redis, ports, around);
  signal.throwIfAborted();
  const influx = await startInflux(settings, programs?.influxdb, ports, around);
  table.storesAre({ redis, influx });
  return { redis, influx };
}

function startRedis(
  settings: Settings,
  binary: string | undefined,
  ports: StorePorts,
  around: Surroundings,
): Promise<string> {
  const folder = settings.DATA_DIR;
  let detail = '';
  return around.steps.run(
    'Redis',
    async (say) => {
      let url = settings.REDIS_URL;
      if (url === undefined) {
        const own = privateRedis(binary ?? '', folder, ports.redis, settings.REDIS_MEMORY_MB);
        say(`starting ${own.spec.command}, files in ${shortPath(join(folder, 'redis'))}`);
        await runStore(own.spec, around, say);
        url = own.url;
        detail = `, files in ${shortPath(join(folder, 'redis'))}`;
      } else {
        say(`asking ${displayUrl(url)}`);
        if (!settings.ALLOW_VOLATILE_REDIS)
          await withRedis(url, (redis) => assertDurable(redis, displayUrl(settings.REDIS_URL ?? '')));
      }
      detail = `${await describeRedis(url)} at ${displayUrl(url)}${detail}`;
      around.table.storesAre({ redis: url });
      around.lifeCycle.onStop('process record', () => around.table.leaveRedis());
      return url;
    },
    () => detail,
  );
}

function startInflux(
  settings: Settings,
  binary: string | undefined,
  ports: StorePorts,
  around: Surroundings,
): Promise<InfluxAddress> {
  const folder = settings.DATA_DIR;
  const database = settings.INFLUX_BUCKET;
  let outcome: Outcome = '';
  return around.steps.run(
    'InfluxDB',
    async (say) => {
      let address: InfluxAddress;
      let files = '';
      if (settings.INFLUX_URL === undefined) {
        const own = await privateInflux(binary ?? '', folder, ports);
        say(`starting ${own.spec.command}, files in ${shortPath(join(folder, 'influx'))}`);
        await runStore(own.spec, around, say);
        const secrets =
          own.major === 2 ? await setUpInflux2(own.url, join(folder, 'influx'), database) : undefined;
        address = { url: own.url, database, token: secrets?.token, org: secrets?.org };
        files = `, files in ${shortPath(join(folder, 'influx'))}`;
      } else {
        address = {
          url: settings.INFLUX_URL,
          database,
          token: settings.INFLUX_TOKEN,
          org: settings.INFLUX_ORG,
        };
        say(`asking ${displayUrl(address.url)}`);
      }
      outcome = await describeInflux(address, files);
      return address;
    },
    () => outcome,
  );
}

async function runStore(
  spec: ChildSpec,
  { table, lifeCycle, steps, signal }: Surroundings,
  say: (doing: string) => void,
): Promise<void> {
  const child = table.add(spec);
  lifeCycle.onStop(spec.name, () =>
    steps.run(
      'Stopping',
      () => child.stop(),
      () => spec.name,
    ),
  );
  await child.start(signal, say);
}

/** An InfluxDB that is away is no reason not to start: readings wait in the log. */
async function describeInflux({ url, token, org, database }: InfluxAddress, files: string): Promise<Outcome> {
  try {
    const { version } = await openInflux({ url, token, org, bucket: database });
    return `InfluxDB ${version} at ${displayUrl(url)}, database ${database}${files}`;
  } catch (error) {
    return { warning: `${messageOf(error)} Until then readings wait in the log.` };
  }
}
