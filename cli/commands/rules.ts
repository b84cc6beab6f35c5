import type { Command } from 'commander';
import { loadRules } from '../../rules/load-rules.js';
import type { CompiledRule } from '../../rules/rule.js';
import { RuleSetError } from '../../rules/rule-problem.js';
import { catalogueFolder, ruleFolders } from '../../runtime/rules-folder.js';
import { readSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable, shortPath } from '../terminal/table.js';
import { addRuleLists } from './rule-lists.js';
import { addRuleModes } from './rule-modes.js';
import { addRuleReference } from './rule-reference.js';

/** `campus rules check|list|explain|enable|disable|shadow|reset|audit|functions|schema` */
export function addRulesCommand(program: Command): void {
  const rules = program.command('rules');
  addCheck(rules);
  addRuleLists(rules);
  addRuleModes(rules);
  addRuleReference(rules);
}

function addCheck(rules: Command): void {
  rules
    .command('check [folder]')
    .summary('check a folder of rule files')
    .description(
      'Reads every rule file of the folder (default: RULES_DIR, else the shipped catalogue) and says where a ' +
        'mistake is, with line and column. The rules of the folder stand beside the shipped ones, unless ' +
        'RULES_CATALOGUE is 0, and are not listed again; one with the id of a shipped rule replaces it. Needs no running pipeline.',
    )
    .option('--json', 'print a JSON array of the rules, or of the mistakes: file, line, column, message')
    .addHelpText('after', '\nExamples:\n  $ campus rules check\n  $ campus rules check my-rules --json')
    .action(async (folder: string | undefined, options: { json?: boolean }) => {
      const folders = ruleFolders(readSettings(folder === undefined ? {} : { rulesDir: folder }));
      const found = await check(folders, options.json === true);
      if (found === undefined) return;
      if (options.json === true) {
        console.log(JSON.stringify(found.map(toJson)));
        return;
      }
      const own = found.filter(({ file }) => !file.startsWith(catalogueFolder));
      const rows = (own.length === 0 ? found : own).map(
        ({ id, classes, steps, title, file, line, replaces }) => [
          id,
          classes.join(', '),
          steps.map(({ severity }) => severity).join(' → '),
          `${title.zh}\n${title.en}`,
          `${shortPath(file)}:${line}${replaces === undefined ? '' : `\nin place of ${shortPath(replaces)}`}`,
        ],
      );
      console.log(formatTable(['Rule', 'Device class', 'Severity', 'Title', 'Where'], rows));
      console.log(summarize(found));
    });
}

function toJson({ id, classes, group, steps, mode, title, file, line, replaces }: CompiledRule) {
  const severities = steps.map(({ severity }) => severity);
  return { id, classes, group, severities, mode, title, file, line, replaces };
}

function summarize(rules: readonly CompiledRule[]): string {
  const shipped = rules.filter(({ file }) => file.startsWith(catalogueFolder)).length;
  const replaced = rules.filter(({ replaces }) => replaces !== undefined).length;
  const own = rules.length - shipped;
  const parts = own === 0 || shipped === 0 ? '' : ` (${own} of your own, ${shipped} shipped)`;
  const end =
    replaced === 0
      ? ''
      : ` ${replaced === 1 ? '1 of yours replaces' : `${replaced} of yours replace`} shipped ones.`;
  return `${formatCount(rules.length, 'rule')}${parts}, no mistakes.${end}`;
}

/** The rules; with `json`, mistakes are printed, and it is undefined. @throws RuleSetError without it */
async function check(
  folders: ReturnType<typeof ruleFolders>,
  json: boolean,
): Promise<readonly CompiledRule[] | undefined> {
  try {
    return await loadRules(...folders);
  } catch (error) {
    if (!json || !(error instanceof RuleSetError)) throw error;
    console.log(JSON.stringify(error.problems));
    process.exitCode = 1;
    return undefined;
  }
}
