import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { projectRoot } from '../runtime/project-root.js';
import { verbs } from './verbs.js';
import type { Verb } from './verbs.js';

const helpLayout = {
  helpWidth: Math.min(process.stdout.columns || 100, 120),
  // Beside the longest flags there is less room than commander would wrap into.
  minWidthToWrap: 30,
};

/**
 * The `campus` command with all its verbs. The code of a verb is loaded when it is called, so that none pays
 * for the others.
 */
export function createProgram(): Command {
  const program = createBareProgram()
    .configureHelp({ ...helpLayout, subcommandTerm: (command) => command.name() })
    .addHelpText('after', '\nExamples:\n  $ campus up\n  $ campus status\n  $ campus devices issue --help');
  for (const verb of verbs) addStandIn(program, verb);
  program
    .helpCommand(false)
    .command('help [verb...]')
    .summary('show this help, or that of a verb')
    // Through the verb itself: its stand-in knows nothing of it.
    .action(async (verb: string[]) => {
      await program.parseAsync([...verb, '--help'], { from: 'user' });
    });
  return program;
}

/** Stands for the verb in the list of verbs, and hands everything behind its name to the real one. */
function addStandIn(program: Command, verb: Verb): void {
  const standIn = program
    .command(verb.name)
    .summary(verb.summary)
    .argument('[args...]')
    .usage(' ')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[]) => {
      const own = createBareProgram();
      (await verb.load())(own);
      const command = own.commands.find((known) => known.name() === verb.name);
      if (command?.description() === '') command.description(verb.summary);
      await own.parseAsync([verb.name, ...args], { from: 'user' });
    });
  if (verb.group !== undefined) standIn.helpGroup(verb.group);
}

function createBareProgram(): Command {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return (
    new Command('campus')
      // Options behind a verb are its own, so that "twin set --data-dir" is not taken for one of "twin".
      .enablePositionalOptions()
      .description('Perception campus (感知校园): loss-free telemetry, rules and alarms for school devices.')
      .version(version)
      .showHelpAfterError('(add --help for more)')
      .configureHelp(helpLayout)
  );
}
