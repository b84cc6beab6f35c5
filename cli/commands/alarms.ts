import type { Command } from 'commander';
import { listAlarms } from '../../alerts/redis-alarm-list.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describePlace, withoutPlaceholders } from '../terminal/alarm-place.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

/** `campus alarms [--all] [--shadow]` */
export function addAlarmsCommand(program: Command): void {
  const command = program
    .command('alarms')
    .option('--all', 'cleared ones, too')
    .option('--shadow', 'those that rules in mode shadow would have raised, which nobody was told of')
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus alarms\n  $ campus alarms --all --json\n  $ campus alarms --shadow --all',
    );
  addSettingFlags(command, instanceSettings).action(async (options: Record<string, unknown>) => {
    const { settings, redisUrl } = findInstance(options);
    const which = options.all === true ? 'all' : 'active';
    const kind = options.shadow === true ? 'shadow' : 'real';
    const alarms = await withRedis(redisUrl, (redis) => listAlarms(redis, which, kind));
    if (options.json === true) {
      console.log(JSON.stringify(alarms.map(withoutPlaceholders)));
    } else if (alarms.length === 0) {
      const what = kind === 'shadow' ? 'alarm of a rule in mode shadow' : 'alarm';
      console.log(options.all === true ? `There was no ${what} yet.` : `No ${what} is active.`);
    } else {
      const time = (at: number | undefined) => (at === undefined ? '' : formatTime(at, settings.TIMEZONE));
      console.log(
        formatTable(
          ['Severity', 'Alarm', 'Where', options.all === true ? 'Raised, cleared' : 'Raised'],
          alarms.map((alarm) => [
            alarm.severity,
            `${alarm.title.zh}\n${alarm.title.en}`,
            describePlace(alarm).join('\n'),
            `${time(alarm.raisedAt)}\n${time(alarm.clearedAt)}`.trimEnd(),
          ]),
        ),
      );
    }
  });
}
