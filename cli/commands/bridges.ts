import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parseBridges } from '../../broker/bridge/parse-bridges.js';
import { readCertificates } from '../../broker/bridge/read-secrets.js';
import { loadProfiles } from '../../devices/profiles/load-profiles.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { readSettings } from '../settings-flags.js';
import { formatTable } from '../terminal/table.js';

/** `campus bridges check [FILE]` */
export function addBridgesCommand(program: Command): void {
  const bridges = program.command('bridges').summary('other brokers that readings are taken from');
  bridges
    .command('check [file]')
    .summary('check a file of bridges')
    .description(
      'Reads the file (default: BRIDGES_FILE) and says where a mistake is, with line and column, and whether the\n' +
        'certificates and keys that it names can be used. Connects to nothing.',
    )
    .option('--json', 'print a JSON array of the subscriptions')
    .addHelpText('after', '\nExample:\n  $ campus bridges check bridges.yaml')
    .action(async (given: string | undefined, options: { json?: boolean }) => {
      const settings = readSettings({});
      const file = given ?? settings.BRIDGES_FILE;
      if (file === undefined) throw new AppError('no_bridges', 'Name a file, or set BRIDGES_FILE.');
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw new AppError('bad_bridges', `${file} can't be read (${messageOf(error)}).`);
      });
      const all = parseBridges(file, text, await loadProfiles(settings.PROFILES_DIR));
      await Promise.all(all.map((bridge) => readCertificates(bridge, file)));
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
      if (options.json === true) console.log(JSON.stringify(rows));
      else {
        const cells = rows.map((row) => [
          row.bridge,
          row.url,
          row.profile,
          row.site,
          row.deviceClass,
          row.topics.join(', '),
        ]);
        console.log(formatTable(['Bridge', 'Broker', 'Profile', 'Site', 'Class', 'Topics'], cells));
      }
    });
}
