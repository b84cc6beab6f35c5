import { Option } from 'commander';
import type { Command } from 'commander';
import { ruleFileSchema } from '../../rules/rule-file-schema.js';
import { formatRuleReference, ruleReference } from '../../rules/rule-reference.js';
import { formatTable } from '../terminal/table.js';

/** `campus rules functions|schema` */
export function addRuleReference(rules: Command): void {
  rules
    .command('functions')
    .summary('list the functions and names that conditions can use')
    .addOption(new Option('--markdown [language]', 'print it as Markdown').choices(['en', 'zh']).preset('en'))
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExamples:\n  $ campus rules functions\n  $ campus rules functions --markdown zh')
    .action((options: { markdown?: 'en' | 'zh'; json?: boolean }) => {
      if (options.markdown !== undefined) console.log(formatRuleReference(options.markdown));
      else if (options.json === true) console.log(JSON.stringify(ruleReference));
      else
        for (const { title, entries } of ruleReference) {
          console.log(`${title.en} (${title.zh})`);
          const rows = entries.map(({ usage, gives }) => [usage, `${gives.en}\n${gives.zh}`]);
          console.log(formatTable(['In a condition', 'Gives'], rows));
        }
    });
  rules
    .command('schema')
    .summary('print the JSON Schema of rule files, for editors')
    .description(
      'Prints the JSON Schema that rules/rule-file.schema.json holds. Editors with the YAML language server complete and ' +
        'check a rule file that begins with "# yaml-language-server: $schema=PATH-OR-URL".',
    )
    .addHelpText('after', '\nExample:\n  $ campus rules schema > my-rules/rule-file.schema.json')
    .action(() => console.log(JSON.stringify(ruleFileSchema(), null, 2)));
}
