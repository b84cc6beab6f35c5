import type { Command } from 'commander';
import { loadRules } from '../../rules/load-rules.js';
import type { CompiledRule } from '../../rules/rule.js';
import { RuleSetError } from '../../rules/rule-problem.js';
import { rulesFolder } from '../../runtime/rules-folder.js';
import { readSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable } from '../terminal/table.js';

/** `campus rules check [DIR]` */
export function addRulesCommand(program: Command): void {
  program
    .command('rules')
    .command('check [folder]')
    .summary('check a folder of rule files')
    .description(
      'Reads every rule file of the folder (default: RULES_DIR, else the shipped catalogue) and says where a ' +
        'mistake is, with line and column. Needs no running pipeline.',
    )
    .option('--json', 'print a JSON array of the rules, or of the mistakes: file, line, column, message')
    .addHelpText('after', '\nExamples:\n  $ campus rules check\n  $ campus rules check my-rules --json')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const rules = await check(folder ?? rulesFolder(readSettings({})), options.json === true);
      if (rules === undefined) return;
      const all = rules.map(({ id, classes, group, steps, mode, title }) => ({
        id,
        classes,
        group,
        severities: steps.map(({ severity }) => severity),
        mode,
        title,
      }));
      if (options.json === true) {
        console.log(JSON.stringify(all));
        return;
      }
      const rows = all.map(({ id, classes, severities, title }) => [
        id,
        classes.join(', '),
        severities.join(' → '),
        `${title.zh}\n${title.en}`,
      ]);
      console.log(formatTable(['Rule', 'Device class', 'Severity', 'Title'], rows));
      console.log(`${formatCount(all.length, 'rule')}, no mistakes.`);
    });
}

/** The rules; with `json`, mistakes are printed, and it is undefined. @throws RuleSetError without it */
async function check(folder: string, json: boolean): Promise<readonly CompiledRule[] | undefined> {
  try {
    return await loadRules(folder);
  } catch (error) {
    if (!json || !(error instanceof RuleSetError)) throw error;
    console.log(JSON.stringify(error.problems));
    process.exitCode = 1;
    return undefined;
  }
}
