import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectRoot } from '../runtime/project-root.js';
import { addAlarmsCommand } from './commands/alarms.js';
import { addConfigCommand } from './commands/config.js';
import { addDemoCommand } from './commands/demo.js';
import { addDevicesCommand } from './commands/devices.js';
import { addInstallCommand } from './commands/install.js';
import { addLedgerCommand } from './commands/ledger.js';
import { addQuarantineCommand } from './commands/quarantine.js';
import { addReplayCommand } from './commands/replay.js';
import { addRoleCommands } from './commands/role.js';
import { addRulesCommand } from './commands/rules.js';
import { addStatusCommand } from './commands/status.js';
import { addUpCommand } from './commands/up.js';

/** The `campus` command with all its verbs. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const program = new Command('campus')
    .description('Perception campus (感知校园): loss-free telemetry, rules and alarms for school devices.')
    .version(version)
    .showHelpAfterError('(add --help for more)')
    .addHelpText('after', '\nExamples:\n  $ campus up\n  $ campus status\n  $ campus devices issue --help');
  addUpCommand(program);
  addDemoCommand(program);
  addStatusCommand(program);
  addConfigCommand(program);
  addDevicesCommand(program);
  addReplayCommand(program);
  addAlarmsCommand(program);
  addLedgerCommand(program);
  addQuarantineCommand(program);
  addRulesCommand(program);
  addInstallCommand(program);
  addRoleCommands(program);
  return program;
}
