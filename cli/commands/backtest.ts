import type { Command } from 'commander';
import { Option } from 'commander';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { AppError } from '../../runtime/app-error.js';
import { recordingFormats } from '../../simulators/recording/recording.js';
import type { RecordingFormat } from '../../simulators/recording/recording.js';
import { formatReport } from '../backtest/format-report.js';
import { runBacktest } from '../backtest/run-backtest.js';
import { toJson } from '../backtest/report-json.js';
import { parseCountOption } from '../count-option.js';
import { parseDurationOption } from '../duration-option.js';
import { historySettings, readSurroundings } from '../history/surroundings.js';
import { findRulesIn, withRulesFolder } from '../rules/find-rules.js';
import { addSettingFlags } from '../settings-flags.js';
import { createProgress } from '../terminal/progress.js';

interface BacktestOptions extends Record<string, unknown> {
  readonly rules?: string;
  readonly diff?: string;
  readonly from?: string;
  readonly to?: string;
  readonly warmUp?: number;
  readonly site?: string;
  readonly class?: DeviceClass;
  readonly device?: string;
  readonly file?: string;
  readonly format?: RecordingFormat;
  readonly operators: number;
  readonly json?: boolean;
}

/** `campus backtest` */
export function addBacktestCommand(program: Command): void {
  const command = program
    .command('backtest')
    .summary('try rules on history: how often would they have fired')
    .description(
      'Plays what InfluxDB holds, or a recorded file, to the rules as fast as it goes, and reports how often each ' +
        'would have fired, where, for how long and at what hours, and whether operators could keep up. Before the ' +
        'period as much is read as the rules look back. Nothing is written and nobody is alerted.',
    )
    .option(
      '--rules <folder>',
      'rule files to try, beside the shipped ones [default: what the pipeline judges by]',
    )
    .option('--diff <folder>', 'compare with these older rules: alarms that the change adds and removes')
    .option(
      '--from <time>',
      'e.g. 2026-03-02, 2026-03-02T08:00 or 30d (so long ago) [default: 7d; a whole file]',
    )
    .option('--to <time>', 'end of the period, not part of it [default: now; the end of a file]')
    .option(
      '--warm-up <duration>',
      'read so far back before the period in place of what the rules need',
      parseDurationOption,
    )
    .option('--site <id>', 'only this site')
    .addOption(
      new Option('--class <class>', 'only this kind of device; of a file: sensor').choices(deviceClasses),
    )
    .option('--operators <n>', 'people who share the alarms', parseCountOption, 1)
    .option(
      '--file <recording>',
      'a recorded file of one device, as "campus replay" reads it, in place of InfluxDB',
    )
    .option('--device <id>', 'the device of the file [default: its name]')
    .addOption(
      new Option('--format <format>', 'format of the file; found out when not given').choices(
        recordingFormats,
      ),
    )
    .option('--json', 'print one JSON object; times are epoch ms')
    .addHelpText(
      'after',
      `
Examples:
  $ campus backtest --from 30d
  $ campus backtest --rules my-rules --diff rules/catalogue --from 2026-03-02 --to 2026-03-09 --site school-1
  $ campus backtest --file simulators/data/uci-occupancy-datatraining.txt --operators 5`,
    );
  addSettingFlags(command, historySettings).action(backtest);
}

async function backtest(options: BacktestOptions): Promise<void> {
  const { file, device, format } = options;
  if (file === undefined && (device ?? format) !== undefined)
    throw new AppError('bad_option', '--device and --format describe a recorded file: name it with --file.');
  const surroundings = await readSurroundings(withRulesFolder(options, options.rules ?? options.diff));
  const rules = await findRulesIn(options, options.rules);
  const oldRules = options.diff === undefined ? undefined : await findRulesIn(options, options.diff);
  const { from, to, site, class: deviceClass, warmUp, operators } = options;
  const order = {
    rules,
    oldRules,
    from,
    to,
    site,
    deviceClass,
    warmUpMs: warmUp,
    operators,
    file,
    device,
    format,
  };
  const outcome = await runBacktest(order, surroundings, createProgress());
  console.log(
    options.json === true
      ? JSON.stringify(toJson(outcome))
      : formatReport(outcome, surroundings.settings.TIMEZONE),
  );
}
