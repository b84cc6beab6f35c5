import type { Command } from 'commander';
import { join } from 'node:path';
import { loadRules } from '../../rules/load-rules.js';
import { projectRoot } from '../../runtime/project-root.js';
import { readSettings } from '../settings-flags.js';
import { formatTable } from '../terminal/table.js';

/** `campus rules check [DIR]` */
export function addRulesCommand(program: Command): void {
  const rules = program.command('rules').summary('the rules that raise alarms');
  rules
    .command('check [folder]')
    .summary('check a folder of rule files')
    .description(
      'Reads every rule file of the folder (default: RULES_DIR, else the shipped catalogue) and says where a\n' +
        'mistake is, with line and column. Needs no running pipeline.',
    )
    .option('--json', 'print a JSON array of the rules')
    .addHelpText('after', '\nExamples:\n  $ campus rules check\n  $ campus rules check my-rules --json')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const found = folder ?? readSettings({}).RULES_DIR ?? join(projectRoot, 'rules', 'catalogue');
      const all = (await loadRules(found)).map(({ id, classes, severity, title }) => ({
        id,
        classes,
        severity,
        title,
      }));
      if (options.json === true) {
        console.log(JSON.stringify(all));
        return;
      }
      const rows = all.map(({ id, classes, severity, title }) => [
        id,
        classes.join(', '),
        severity,
        title.zh,
        title.en,
      ]);
      console.log(formatTable(['Rule', 'Device class', 'Severity', '标题', 'Title'], rows));
      console.log(`${all.length} rules, no mistakes.`);
    });
}
