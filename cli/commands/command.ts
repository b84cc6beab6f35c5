import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { deadlineOf, isFinished } from '../../devices/command.js';
import type { Command as DeviceCommand } from '../../devices/command.js';
import { findCommand, unknownCommand } from '../../devices/redis-command-list.js';
import { cancelCommand, issueCommand } from '../../devices/redis-commands.js';
import { readTwin } from '../../devices/redis-twin.js';
import type { Clock } from '../../runtime/clock.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { readArguments } from '../command-arguments.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { addCommandLists } from './command-lists.js';
import { whyItWaits } from '../why-it-waits.js';
import { describeCommand, describeState, operator } from '../terminal/command-words.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface CommandOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

interface SendOptions extends CommandOptions {
  readonly id?: string;
  readonly expires: number;
  readonly wait?: boolean;
}

/** `campus command send|list|show|cancel|actions|audit` */
export function addCommandCommand(program: Command): void {
  const commands = program.command('command').summary('tell devices what to do, and see what came of it');
  addSend(commands);
  addShow(commands);
  addCancel(commands);
  addCommandLists(commands);
}

function addSend(commands: Command): void {
  const command = commands
    .command('send <device> <action> [key=value...]')
    .summary('send a command to a device')
    .description(
      'Issues a command. It is delivered as soon as the device is there, again after a reconnect, and never after\n' +
        'it expired. It is done when the device said so and, where the action shows in its state, reports it.\n' +
        '"campus command actions" lists what each class of device can be told.',
    )
    .addOption(durationOption('--expires <duration>', 'how long it may be delivered', '60s'))
    .option('--id <id>', 'the same id again is the same command')
    .option(
      '--wait',
      'wait until it is finished: delivered before it expires, then answered and shown in time; the exit code is 1 unless it is done',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus command send ap-101 set_channel radio=radio5 channel=36 --wait\n' +
        '  $ campus command send panel-101 power_off --expires 10m',
    );
  addSettingFlags(command, instanceSettings).action(
    async (device: string, action: string, words: string[], options: SendOptions) => {
      const { settings, redisUrl } = findInstance(options);
      const tell = (line: string) => {
        if (options.json !== true) console.log(line);
      };
      const time = (at: number) => formatTime(at, settings.TIMEZONE);
      const finished = await withRedis(redisUrl, async (redis) => {
        const clock = await loadClock(redis);
        const twin = await readTwin(redis, device);
        const args = readArguments(twin.device.deviceClass, action, words);
        const now = clock.now();
        const wanted = { id: options.id, device, action, args, issuedBy: operator() };
        const issued = await issueCommand(redis, { ...wanted, expiresAt: now + options.expires }, now);
        const { id, state, expiresAt } = issued.command;
        tell(
          issued.repeated
            ? `Command ${id} was issued before; it is ${state}.`
            : `Command ${id} issued: ${describeCommand(issued.command)}, valid until ${time(expiresAt)}.`,
        );
        if (!issued.repeated) {
          const why = await whyItWaits(redis, twin);
          if (why !== undefined) tell(`${device} ${why}: the command waits for it until then.`);
        }
        if (options.wait !== true) return issued.command;
        return waitFor(redis, issued.command, clock, (step) => {
          tell(`${time(step.at)}  ${step.state}${step.why === undefined ? '' : `: ${step.why}`}`);
        });
      });
      if (options.json === true) console.log(JSON.stringify(finished));
      if (options.wait === true && finished.state !== 'done') process.exitCode = 1;
    },
  );
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

const pollMs = 100;
/** Past its deadline somebody should have closed it: if nobody has, nobody is there. */
const patienceMs = 15_000;

async function waitFor(
  redis: Redis,
  issued: DeviceCommand,
  clock: Clock,
  onStep: (step: DeviceCommand['history'][number]) => void,
): Promise<DeviceCommand> {
  let told = 1;
  let overdueAt: number | undefined;
  for (;;) {
    const command = (await findCommand(redis, issued.id)) ?? issued;
    for (const step of command.history.slice(told)) onStep(step);
    told = Math.max(told, command.history.length);
    if (isFinished(command)) return command;
    if (clock.now() < (deadlineOf(command) ?? Infinity)) overdueAt = undefined;
    else overdueAt ??= Date.now();
    if (overdueAt !== undefined && Date.now() - overdueAt > patienceMs) return command;
    await sleep(pollMs);
  }
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
