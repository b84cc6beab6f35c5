import type { Command } from 'commander';
import { findInstance } from '../instance.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatStatus } from '../status/format-status.js';
import { readStatus } from '../status/read-status.js';

/** `campus status` */
export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ campus status\n  $ campus status --data-dir var/second --json');
  addSettingFlags(command, instanceSettings).action(async (options: Record<string, unknown>) => {
    const instance = findInstance(options);
    const status = await readStatus(instance);
    console.log(
      options.json === true ? JSON.stringify(status) : formatStatus(status, instance.settings.TIMEZONE),
    );
  });
}
