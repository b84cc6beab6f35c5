import type { Command } from 'commander';
import { ensureServers } from '../stores/install-servers.js';
import { createSteps } from '../terminal/steps.js';

/** `campus install` */
export function addInstallCommand(program: Command): void {
  program
    .command('install')
    .description(
      'Installs the database servers that are not on the PATH with apt, dnf or brew (with sudo when not root). ' +
        '"campus up" does the same when it needs them.',
    )
    .addHelpText('after', '\nExample:\n  $ campus install')
    .action(async () => {
      await createSteps().run(
        'Databases',
        (say) => ensureServers(['redis', 'influxdb'], say),
        (found) => Object.values(found).join(', '),
      );
    });
}
