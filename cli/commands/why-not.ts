import type { Command } from 'commander';
import { historySettings, openHistory, readSurroundings } from '../history/surroundings.js';
import { findRulesIn, withRulesFolder } from '../rules/find-rules.js';
import { addSettingFlags } from '../settings-flags.js';
import { createProgress } from '../terminal/progress.js';
import { parseTimeOption } from '../time-option.js';
import { formatWhyNot } from '../why/format-why-not.js';
import { findWhyNot } from '../why/why-not.js';

interface WhyNotOptions extends Record<string, unknown> {
  readonly at?: string;
  readonly rules?: string;
  readonly json?: boolean;
}

/** `campus why-not RULE DEVICE` */
export function addWhyNotCommand(program: Command): void {
  const command = program
    .command('why-not <rule> <device>')
    .summary('why a rule did not fire: which clause was false, and by how much')
    .description(
      'Plays the history of the device (of its whole site, where the rule compares devices) to the rule, up to a time, ' +
        'and shows each clause of its condition with value, limit and distance, and how much of the hold time is missing.',
    )
    .option('--at <time>', 'e.g. 2026-03-02T08:00 or 2h (so long ago) [default: now]')
    .option('--rules <folder>', 'rule files, beside the shipped ones [default: what the pipeline judges by]')
    .option('--json', 'print one JSON object; times are epoch ms')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus why-not co2-high co2-101\n' +
        '  $ campus why-not co2-high co2-101 --at 2026-03-02T09:10 --json',
    );
  addSettingFlags(command, historySettings).action(
    async (rule: string, device: string, options: WhyNotOptions) => {
      const surroundings = await readSurroundings(withRulesFolder(options, options.rules));
      const { now, settings } = surroundings;
      const at =
        options.at === undefined ? undefined : parseTimeOption('--at', options.at, settings.TIMEZONE, now);
      const rules = await findRulesIn(options, options.rules);
      const influx = await openHistory(surroundings);
      const answer = await findWhyNot(rules, rule, device, at, influx, surroundings, createProgress());
      if (options.json !== true) console.log(formatWhyNot(answer, settings.TIMEZONE));
      else {
        const { id, version, title, mode, file, line, classes, group } = answer.rule;
        console.log(
          JSON.stringify({ ...answer, rule: { id, version, title, mode, file, line, classes, group } }),
        );
      }
    },
  );
}
