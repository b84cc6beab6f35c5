import type { Command } from 'commander';
import { AppError } from '../../runtime/app-error.js';
import type { RoleContext } from '../../runtime/role.js';
import type { Role } from '../../runtime/roles.js';
import type { Settings } from '../../runtime/settings.js';
import { findMisspelt } from '../misspelt-settings.js';
import { roleSummaries } from '../role-summaries.js';
import { runRole } from '../run-role.js';
import type { RoleSettings } from '../run-role.js';
import { addSettingFlags, readSettings } from '../settings-flags.js';
import { isRunning, readRunRecord } from '../supervisor/run-record.js';

type Starter = (context: RoleContext) => Promise<unknown>;

// Imported when run: a role doesn't carry the others' code.
const starters: Readonly<Record<Role, () => Promise<Starter>>> = {
  broker: async () => (await import('../../broker/app.js')).startBroker,
  ingest: async () => (await import('../../ingest/app.js')).startIngest,
  alerts: async () => (await import('../../alerts/app.js')).startAlerts,
  api: async () => (await import('../../dashboards/api/app.js')).startApi,
  bridge: async () => (await import('../../broker/bridge/app.js')).startBridges,
};

/** `campus broker`, `campus ingest`, … */
export function addRoleCommand(program: Command, role: Role): void {
  const command = program
    .command(role)
    .description(
      `Runs ${roleSummaries[role]} alone, in the foreground, on the databases of REDIS_URL and INFLUX_URL or on ` +
        'those of the pipeline that runs on DATA_DIR. Stops on Ctrl-C or SIGTERM.',
    )
    .addHelpText(
      'after',
      `\nExamples:\n  $ campus ${role}\n  $ REDIS_URL=redis://10.0.0.5 INFLUX_URL=http://10.0.0.6:8086 campus ${role}`,
    );
  if (role === 'broker') addOpenLoopback(command);
  addSettingFlags(command).action(async (options: Record<string, unknown>) => {
    if (options['openLoopback'] === true) {
      await (await import('../open-broker.js')).runOpenBroker(readSettings(options));
      return;
    }
    // As a child of the supervisor, that has said so.
    if (process.send === undefined)
      for (const sentence of findMisspelt(process.env)) console.error(`! ${sentence}`);
    await runRole(role, withStores(readSettings(options)), async (context) =>
      (await starters[role]())(context),
    );
  });
}

function addOpenLoopback(command: Command): void {
  command
    .option(
      '--open-loopback',
      'any client id, any topic, no password, QoS 2 and kept sessions; on loopback only, with a Redis of its own',
    )
    .addHelpText('after', '  $ campus broker --open-loopback --mqtt-port 1884   # for conformance suites');
}

function withStores(settings: Settings): RoleSettings {
  const found = readRunRecord(settings.DATA_DIR);
  const record = found !== undefined && isRunning(found) ? found : undefined;
  const REDIS_URL = settings.REDIS_URL ?? record?.redis;
  const INFLUX_URL = settings.INFLUX_URL ?? record?.influx?.url;
  if (REDIS_URL === undefined || INFLUX_URL === undefined) {
    throw new AppError(
      'no_stores',
      `No pipeline runs on ${settings.DATA_DIR}, so set REDIS_URL and INFLUX_URL, or start everything with "campus up".`,
    );
  }
  return {
    ...settings,
    REDIS_URL,
    INFLUX_URL,
    INFLUX_TOKEN: settings.INFLUX_TOKEN ?? record?.influx?.token,
    INFLUX_ORG: settings.INFLUX_ORG ?? record?.influx?.org,
  };
}
