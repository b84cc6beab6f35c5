import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { guardNames } from '../../alerts/control/guards.js';
import { orderCommand } from '../../alerts/control/redis-order.js';
import { RedisCity } from '../../alerts/control/redis-city.js';
import { needsApproval } from '../../devices/action.js';
import { checkAction, isActionProblem } from '../../devices/action-check.js';
import { deadlineOf, isFinished } from '../../devices/command.js';
import type { Command as DeviceCommand } from '../../devices/command.js';
import { requestApproval } from '../../devices/redis-approvals.js';
import { findCommand } from '../../devices/redis-command-list.js';
import { readRemovals } from '../../devices/redis-registry.js';
import { readTwin } from '../../devices/redis-twin.js';
import { AppError } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { readArguments } from '../command-arguments.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { assertInCharge, assertNamed, byOption, identify } from '../person.js';
import { withRedis } from '../redis-session.js';
import { refusalError } from '../refusal-error.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describeCommand } from '../terminal/command-words.js';
import { formatTime } from '../terminal/time.js';
import { whyItWaits } from '../why-it-waits.js';

interface SendOptions extends Record<string, unknown> {
  readonly id?: string;
  readonly expires: number;
  readonly wait?: boolean;
  readonly by?: string;
  readonly reason?: string;
  readonly approval?: string;
  readonly override?: string[];
  readonly json?: boolean;
}

/** Asked for by whoever wants it, answered within this by a second person; pipeline time. */
const approvalMs = 24 * 3_600_000;

/** `campus command send` */
export function addSend(commands: Command): void {
  const command = commands
    .command('send <device> <action> [key=value...]')
    .summary('send a command to a device')
    .description(
      'Issues a command. It is delivered as soon as the device is there, again after a reconnect, and never after\n' +
        'it expired. It is done when the device said so and, where the action shows in its state, reports it.\n' +
        '"campus command actions" lists what each class of device can be told. What disturbs a lesson is refused while\n' +
        'the site teaches, and anything during an exam; never are both access points of a room acted on at a time.\n' +
        'What needs a second person is asked for ("campus approvals"), and sent with --approval once that one agreed.',
    )
    .addOption(durationOption('--expires <duration>', 'how long it may be delivered', '60s'))
    .option('--id <id>', 'the same id again is the same command')
    .addOption(byOption())
    .option('--reason <text>', 'why, for the record')
    .option('--approval <id>', 'the approval of exactly this; it is used with it')
    .addOption(
      new Option(
        '--override <guard...>',
        'send it although a guard speaks against it; give a --reason',
      ).choices(guardNames),
    )
    .option(
      '--wait',
      'wait until it is finished: delivered before it expires, then answered and shown in time; the exit code is 1 unless it is done',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus command send ap-101 set_channel radio=radio5 channel=36 --wait\n' +
        '  $ campus command send panel-101 power_off --expires 10m\n' +
        '  $ campus command send ap-101 reboot --override lesson --reason "no network in the room"\n' +
        '  $ campus command send gw-1 set_port port=port7 enabled=false --by wang --reason "rogue RA"',
    );
  addSettingFlags(command, instanceSettings).action(
    async (device: string, action: string, words: string[], options: SendOptions) => {
      const { settings, redisUrl } = findInstance(options);
      const tell = (line: string) => {
        if (options.json !== true) console.log(line);
      };
      const time = (at: number) => formatTime(at, settings.TIMEZONE);
      const overrides = options.override ?? [];
      if (overrides.length > 0 && options.reason === undefined)
        throw new AppError('no_reason', 'Setting a guard aside takes a --reason.');
      const finished = await withRedis(redisUrl, async (redis) => {
        const clock = await loadClock(redis);
        const twin = await readTwin(redis, device);
        const person = await identify(redis, options.by, 'operator');
        assertInCharge(person, [twin.device.site]);
        const args = readArguments(twin.device.deviceClass, action, words);
        const now = clock.now();
        const checked = checkAction(twin.device.deviceClass, action, args);
        const { reason, approval } = options;
        if (!isActionProblem(checked) && needsApproval(checked.action, false) && approval === undefined) {
          assertNamed(person, `${action} takes a second person's approval.`);
          const [removals = 0] = await readRemovals(redis, [device]);
          const asked = await requestApproval(
            redis,
            {
              action,
              args: checked.args,
              targets: [{ device, removals }],
              sites: [twin.device.site],
              why: reason,
              requestedBy: person.name,
              expiresAt: now + approvalMs,
            },
            now,
          );
          tell(
            `Not sent: ${describeCommand(asked)} takes a second person. Approval ${asked.id} is asked for until`,
          );
          tell(
            `${time(asked.expiresAt)}: "campus approvals approve ${asked.id} --by …", then send the same with --approval ${asked.id}.`,
          );
          process.exitCode = 1;
          return asked;
        }
        const outcome = await orderCommand(
          redis,
          {
            kind: 'single',
            id: options.id,
            device,
            action,
            args,
            issuedBy: person.name,
            reason,
            approval,
            overrides,
            expiresAt: now + options.expires,
          },
          { city: new RedisCity(redis, settings.TIMEZONE), clock },
        );
        if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
        const { id, state, expiresAt } = outcome.command;
        tell(
          outcome.repeated
            ? `Command ${id} was issued before; it is ${state}.`
            : `Command ${id} issued: ${describeCommand(outcome.command)}, valid until ${time(expiresAt)}.`,
        );
        if (!outcome.repeated) {
          const why = await whyItWaits(redis, twin);
          if (why !== undefined) tell(`${device} ${why}: the command waits for it until then.`);
        }
        if (options.wait !== true) return outcome.command;
        const end = await waitFor(redis, outcome.command, clock, (step) => {
          tell(`${time(step.at)}  ${step.state}${step.why === undefined ? '' : `: ${step.why}`}`);
        });
        if (end.state !== 'done') process.exitCode = 1;
        return end;
      });
      if (options.json === true) console.log(JSON.stringify(finished));
    },
  );
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
