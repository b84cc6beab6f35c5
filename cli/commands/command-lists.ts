import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import { actionsOf } from '../../devices/action-list.js';
import { commandStates } from '../../devices/command.js';
import type { CommandState } from '../../devices/command.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { listAudit } from '../../devices/redis-audit.js';
import { listCommands } from '../../devices/redis-command-list.js';
import { describeArguments } from '../command-arguments.js';
import { parseCountOption } from '../count-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describeCommand, describeState } from '../terminal/command-words.js';
import { formatAudit } from '../terminal/format-audit.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface ListOptions extends Record<string, unknown> {
  readonly json?: boolean;
  readonly device?: string;
  readonly state?: CommandState;
  readonly count: number;
}

/** `campus command list|actions|audit` */
export function addCommandLists(commands: Command): void {
  addList(commands);
  addActions(commands);
  addAudit(commands);
}

function addList(commands: Command): void {
  const command = commands
    .command('list')
    .summary('list commands, newest first')
    .option('--device <id>', 'only those of this device')
    .addOption(new Option('--state <state>', 'only those in this state').choices(commandStates))
    .option('--count <n>', 'how many at most', parseCountOption, 20)
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus command list --device ap-101 --state failed');
  addSettingFlags(command, instanceSettings).action(async (options: ListOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const { device, state, count } = options;
    const found = await withRedis(redisUrl, (redis) => listCommands(redis, { device, state, count }));
    if (options.json === true) {
      console.log(JSON.stringify(found));
    } else if (found.length === 0) {
      console.log('There are no such commands.');
    } else {
      console.log(
        formatTable(
          ['Id', 'Issued', 'By', 'Device', 'Action', 'State'],
          found.map((one) => [
            one.id,
            formatTime(one.issuedAt, settings.TIMEZONE),
            one.issuedBy,
            one.device,
            describeCommand(one),
            describeState(one),
          ]),
        ),
      );
    }
  });
}

const approvalWords = { none: '', person: 'a person', second_person: 'a second person' } as const;

function addActions(commands: Command): void {
  commands
    .command('actions')
    .summary('list what devices can be told')
    .addArgument(new Argument('[class]', 'kind of device').choices(deviceClasses))
    .description(
      'Lists what each class of device can be told, who has to agree beside whoever wants it, and whether it may be\n' +
        'sent while the site teaches.',
    )
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus command actions ap')
    .action((deviceClass: DeviceClass | undefined, options: { readonly json?: boolean }) => {
      const rows = deviceClasses
        .filter((one) => deviceClass === undefined || one === deviceClass)
        .flatMap((one) =>
          Object.entries(actionsOf[one]).map(([action, { zh, en, args, safeInLesson, approval }]) => ({
            class: one,
            action,
            args: describeArguments(args),
            zh,
            en,
            safeInLesson,
            approval,
          })),
        );
      if (options.json === true) {
        console.log(JSON.stringify(rows));
        return;
      }
      console.log(
        formatTable(
          ['Class', 'Action', 'Arguments', 'Meaning', 'Approval', 'When'],
          rows.map((row) => [
            row.class,
            row.action,
            row.args,
            `${row.zh} ${row.en}`,
            approvalWords[row.approval],
            row.safeInLesson ? 'any time' : 'outside lessons',
          ]),
        ),
      );
      console.log(
        '"a person" has to agree to what acts by itself; "a second person" also to what a person sends; what reaches\n' +
          'a campus as a whole always needs one.',
      );
    });
}

function addAudit(commands: Command): void {
  const command = commands
    .command('audit')
    .summary('who did what, and what became of it, newest first')
    .option('--device <id>', 'only what concerns this device')
    .option('--count <n>', 'how many at most', parseCountOption, 50)
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus command audit --device ap-101');
  addSettingFlags(command, instanceSettings).action(async (options: ListOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const { device, count } = options;
    const records = await withRedis(redisUrl, (redis) =>
      listAudit(redis, { areas: ['command', 'desired'], device, count }),
    );
    if (options.json === true) console.log(JSON.stringify(records));
    else if (records.length === 0) console.log('Nothing is on record.');
    else console.log(formatAudit(records, settings.TIMEZONE));
  });
}
