import { Option } from 'commander';
import type { Command } from 'commander';
import { explainCondition } from '../../alerts/mail/value-words.js';
import { formatDuration } from '../../rules/duration.js';
import { ruleModes } from '../../rules/rule.js';
import type { CheckedStep } from '../../rules/rule.js';
import { catalogueFolder } from '../../runtime/rules-folder.js';
import { findRules, pickRule, rulesSettings } from '../rules/find-rules.js';
import type { ShownRule } from '../rules/find-rules.js';
import { addSettingFlags, readSettings } from '../settings-flags.js';
import { formatPairs, formatTable, shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

/** `campus rules list|explain` */
export function addRuleLists(rules: Command): void {
  addList(rules);
  addExplain(rules);
}

const source =
  'Shows the rules that the running pipeline judges by; where none runs, or a folder is named, those of the files.';

function addList(rules: Command): void {
  const command = rules
    .command('list')
    .summary('list the rules, their modes and how many alarms of them are active')
    .description(source)
    .addOption(new Option('--mode <mode>', 'only those in this mode').choices(ruleModes))
    .option('--own', 'only rules of your own, not the shipped ones')
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus rules list\n  $ campus rules list --own\n  $ campus rules list --mode shadow --json',
    );
  addSettingFlags(command, rulesSettings).action(
    async (options: { mode?: string; own?: boolean; json?: boolean }) => {
      const found = (await findRules({ ...options })).filter(
        ({ mode, file }) =>
          (options.mode === undefined || mode === options.mode) &&
          (options.own !== true || !file.startsWith(catalogueFolder)),
      );
      if (options.json === true) {
        console.log(JSON.stringify(found.map(toJson)));
        return;
      }
      if (found.length === 0) {
        console.log('There is no such rule.');
        return;
      }
      const rows = found.map((rule) => [
        rule.id,
        describeSubject(rule),
        rule.steps.map(({ severity }) => severity).join(' → '),
        describeMode(rule),
        describeCounts(rule),
        `${rule.title.zh}\n${rule.title.en}`,
      ]);
      console.log(formatTable(['Rule', 'Class, group', 'Severity', 'Mode', 'Active', 'Title'], rows));
    },
  );
}

function addExplain(rules: Command): void {
  const command = rules
    .command('explain <rule>')
    .summary('say all about a rule: what it means, what to do, and when it is raised and cleared')
    .description(source)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus rules explain co2-high');
  addSettingFlags(command, rulesSettings).action(async (id: string, options: { json?: boolean }) => {
    const rule = pickRule(await findRules({ ...options }), id);
    const { TIMEZONE } = readSettings({ ...options });
    console.log(options.json === true ? JSON.stringify(toJson(rule)) : explain(rule, TIMEZONE));
  });
}

function explain(rule: ShownRule, timezone: string): string {
  const { title, explanation, advice, decision } = rule;
  const pairs: [string, string][] = [
    ['Rule', rule.id],
    ['标题', title.zh],
    ['Title', title.en],
    ...(explanation === undefined
      ? []
      : ([
          ['说明', explanation.zh],
          ['Explanation', explanation.en],
        ] as [string, string][])),
    ['建议', advice.zh],
    ['Advice', advice.en],
    ['Source', rule.source],
    ['Class, group', describeSubject(rule).replace('\n', ', ')],
    ...rule.steps.flatMap((step) => describeStep(rule, step)),
    ...(looksAtLessons(rule)
      ? ([['Timetable', 'needed: a site without one is not judged on workdays from 07:00 to 18:00']] as [
          string,
          string,
        ][])
      : []),
    ['Mode', describeMode(rule).replace('\n', ' ')],
    ...(decision === undefined
      ? []
      : ([['Decided', `by ${decision.by} at ${formatTime(decision.at, timezone)}`]] as [string, string][])),
    ['Version', rule.version],
    ['Where', `${shortPath(rule.file)}:${rule.line}`],
    ...(rule.replaces === undefined
      ? []
      : ([['In place of', `the shipped ${shortPath(rule.replaces)}`]] as [string, string][])),
  ];
  if (rule.active !== null) pairs.push(['Active', describeCounts(rule)]);
  return formatPairs(pairs);
}

/** What the clock alone can't tell. */
function looksAtLessons({ steps }: ShownRule): boolean {
  return steps.some(({ condition: { text } }) => /\bphase\b.*"(lesson|break)"/.test(text));
}

/** When it is raised and cleared, as mails say it in both languages, and as it is written. */
function describeStep(
  { classes: [deviceClass = 'sensor'] }: ShownRule,
  { severity, condition, holdMs, clear, clearHoldMs }: CheckedStep,
): [string, string][] {
  const hold = (ms: number) => (ms === 0 ? ', at once' : `, for ${formatDuration(ms)}`);
  const say = (text: string, ms: number) =>
    [
      explainCondition(deviceClass, text, 'zh'),
      explainCondition(deviceClass, text, 'en') + hold(ms),
      `(${text})`,
    ].join('\n');
  return [
    [severity, say(condition.text, holdMs)],
    [
      '  cleared',
      clear === undefined ? `when that no longer holds${hold(clearHoldMs)}` : say(clear.text, clearHoldMs),
    ],
  ];
}

function describeSubject({ classes, group }: ShownRule): string {
  return `${classes.join(', ')}${group === undefined ? '' : `\nby ${group}`}`;
}

function describeMode({ mode, decision, writtenMode }: ShownRule): string {
  if (decision === undefined) return `${mode}\n(file)`;
  return `${mode}\n(command${mode === writtenMode ? '' : `; file: ${writtenMode}`})`;
}

function describeCounts({ active, shadow }: ShownRule): string {
  if (active === null || shadow === null) return '';
  return shadow === 0 ? String(active) : `${active}, shadow ${shadow}`;
}

function toJson(rule: ShownRule) {
  const { id, version, title, explanation, advice, source: from, classes, group } = rule;
  const { mode, writtenMode, decision, active, shadow, file, line, replaces } = rule;
  const steps = rule.steps.map(({ severity, condition, holdMs, clear, clearHoldMs }) => ({
    severity,
    condition: condition.text,
    holdMs,
    clear: clear?.text ?? null,
    clearHoldMs,
  }));
  const about = { id, version, title, explanation, advice, source: from, classes, group, steps };
  const modeFrom = decision === undefined ? 'file' : 'command';
  return { ...about, mode, modeFrom, writtenMode, decision, active, shadow, file, line, replaces };
}
