import type { Command } from 'commander';
import type { Bridge } from '../../broker/bridge/parse-bridges.js';
import { readBridges } from '../../broker/bridge/read-bridges.js';
import { readSecrets } from '../../broker/bridge/read-secrets.js';
import { loadProfiles } from '../../devices/profiles/load-profiles.js';
import { findSite } from '../../devices/redis-registry.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { findInstanceIfAny } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings, readSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable } from '../terminal/table.js';

/** `campus bridges check [FILE]` */
export function addBridgesCommand(program: Command): void {
  const bridges = program.command('bridges').summary('other brokers that readings are taken from');
  const command = bridges
    .command('check [file]')
    .summary('check a file of bridges')
    .description(
      'Reads the file (default: BRIDGES_FILE) and says where a mistake is, with line and column; whether the\n' +
        'passwords, certificates and keys that it names are there and can be used; and, while a pipeline runs, whether\n' +
        'its sites are registered. Connects to none of the brokers.',
    )
    .option('--json', 'print a JSON array of the subscriptions')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus bridges check bridges.yaml\n' +
        '  $ PROFILES_DIR=my-profiles campus bridges check bridges.yaml   # where it names profiles of your own',
    );
  addSettingFlags(command, instanceSettings).action(
    async (given: string | undefined, options: Record<string, unknown>) => {
      const settings = readSettings(options);
      const file = given ?? settings.BRIDGES_FILE;
      if (file === undefined) throw new AppError('no_bridges', 'Name a file, or set BRIDGES_FILE.');
      const all = await readBridges(file, await loadProfiles(settings.PROFILES_DIR));
      const sites = await checkSites(all, options);
      const problems = [...(await checkSecrets(all, file)), ...sites.problems];
      if (problems.length > 0) {
        throw new AppError('bad_bridges', problems.join('\n        '));
      }
      const rows = all.flatMap((bridge) =>
        bridge.subscriptions.map(({ profile, site, deviceClass, topics }) => ({
          bridge: bridge.name,
          url: bridge.url,
          profile: profile.name,
          site,
          deviceClass,
          topics,
        })),
      );
      if (options.json === true) {
        console.log(JSON.stringify(rows));
        return;
      }
      const cells = rows.map((row) => [
        row.bridge,
        row.url,
        row.profile,
        row.site,
        row.deviceClass,
        row.topics.join(', '),
      ]);
      console.log(formatTable(['Bridge', 'Broker', 'Profile', 'Site', 'Class', 'Topics'], cells));
      console.log(
        `${formatCount(all.length, 'bridge')}, all good: the file, passwords, certificates and keys` +
          (sites.asked
            ? ', and every site is registered.'
            : '; no pipeline runs to ask whether the sites are registered.'),
      );
    },
  );
}

async function checkSecrets(bridges: readonly Bridge[], file: string): Promise<string[]> {
  const tried = await Promise.allSettled(bridges.map((bridge) => readSecrets(bridge, file, process.env)));
  return tried.flatMap((one) => (one.status === 'rejected' ? [messageOf(one.reason)] : []));
}

/** What comes from a site that is not registered is only quarantined. */
async function checkSites(
  bridges: readonly Bridge[],
  options: Readonly<Record<string, unknown>>,
): Promise<{ asked: boolean; problems: string[] }> {
  const redisUrl = findInstanceIfAny(options)?.redisUrl;
  if (redisUrl === undefined) return { asked: false, problems: [] };
  const wanted = bridges.flatMap(({ name, subscriptions }) =>
    subscriptions.map(({ site }) => ({ name, site })),
  );
  const problems = await withRedis(redisUrl, (redis) =>
    Promise.all(
      [...new Map(wanted.map((one) => [`${one.name} ${one.site}`, one])).values()].map(
        async ({ name, site }) =>
          (await findSite(redis, site)) === undefined
            ? [`Bridge "${name}": the site "${site}" is not registered; see "campus registry list sites".`]
            : [],
      ),
    ),
  );
  return { asked: true, problems: problems.flat() };
}
