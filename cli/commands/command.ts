import type { Command } from 'commander';
import type { Command as DeviceCommand } from '../../devices/command.js';
import { findCommand, unknownCommand } from '../../devices/redis-command-list.js';
import { cancelCommand } from '../../devices/redis-commands.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { addCommandLists } from './command-lists.js';
import { addSend } from './command-send.js';
import { addStopAll } from './command-stop.js';
import { describeCommand, describeState, operator } from '../terminal/command-words.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface CommandOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

/** `campus command send|list|show|cancel|actions|audit|stop-all|resume-all` */
export function addCommandCommand(program: Command): void {
  const commands = program.command('command').summary('tell devices what to do, and see what came of it');
  addSend(commands);
  addShow(commands);
  addCancel(commands);
  addCommandLists(commands);
  addStopAll(commands);
}

function addShow(commands: Command): void {
  const command = commands
    .command('show <id>')
    .summary('show a command and everything that happened to it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus command show 0b0c8f1e-2f4d-4c1e-9a55-5e8f0d5d5a10');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: CommandOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const found = await withRedis(redisUrl, (redis) => findCommand(redis, id));
    if (found === undefined) throw unknownCommand(id);
    console.log(options.json === true ? JSON.stringify(found) : formatCommand(found, settings.TIMEZONE));
  });
}

function addCancel(commands: Command): void {
  const command = commands
    .command('cancel <id>')
    .summary('withdraw a command that is not answered yet')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus command cancel 0b0c8f1e-2f4d-4c1e-9a55-5e8f0d5d5a10');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: CommandOptions) => {
    const { redisUrl } = findInstance(options);
    const cancelled = await withRedis(redisUrl, async (redis) => {
      const clock = await loadClock(redis);
      return cancelCommand(redis, id, operator(), clock.now());
    });
    const why = cancelled.history.at(-1)?.why;
    console.log(
      options.json === true
        ? JSON.stringify(cancelled)
        : `Command ${id} is cancelled${why === undefined ? '' : `, but ${why}`}.`,
    );
  });
}

function formatCommand(command: DeviceCommand, timezone: string): string {
  const { id, device, site, issuedBy, expiresAt, attempts, through, answer } = command;
  const time = (at: number) => formatTime(at, timezone);
  const said = answer === undefined ? [] : [answer.ok ? 'ok' : 'refused', answer.result ?? ''];
  return [
    formatPairs([
      ['Command', id],
      ['Device', `${device} (${site})`],
      ['Action', describeCommand(command)],
      ['State', describeState(command)],
      ['Issued by', issuedBy],
      ['Expires', time(expiresAt)],
      ['Sent', `${attempts} times${through === undefined ? '' : `, last to ${through}`}`],
      ['Answer', said.join(' ').trim() || 'none'],
    ]),
    formatTable(
      ['When', 'State', 'By', ''],
      command.history.map(({ at, state, by, why = '' }) => [time(at), state, by, why]),
    ),
  ].join('\n');
}
