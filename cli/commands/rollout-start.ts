import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { guardNames } from '../../alerts/control/guards.js';
import { RedisCity } from '../../alerts/control/redis-city.js';
import { createRollout, freezeTargets } from '../../alerts/control/redis-rollouts.js';
import { selectDevices, whyWide } from '../../alerts/control/select-targets.js';
import { needsApproval } from '../../devices/action.js';
import { checkAction, isActionProblem } from '../../devices/action-check.js';
import { digestOfDeed } from '../../devices/approval.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { Device } from '../../devices/device.js';
import type { District } from '../../devices/district.js';
import { listPresences } from '../../devices/redis-presence.js';
import { wavesOf } from '../../devices/rollout.js';
import { AppError } from '../../runtime/app-error.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { readArguments } from '../command-arguments.js';
import { readDistrict } from '../district-option.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { assertInCharge, assertNamed, byOption, identify } from '../person.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describeCommand } from '../terminal/command-words.js';
import { formatTable } from '../terminal/table.js';

interface StartOptions extends Record<string, unknown> {
  readonly class: DeviceClass;
  readonly site?: string[];
  readonly district?: District[];
  readonly room?: string[];
  readonly model?: string[];
  readonly device?: string[];
  readonly except?: string[];
  readonly everywhere?: boolean;
  readonly canary?: string;
  readonly maxErrors: number;
  readonly expires: number;
  readonly validFor: number;
  readonly by?: string;
  readonly reason?: string;
  readonly override?: string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly asShown?: string;
  readonly json?: boolean;
}

/** `campus rollout start` */
export function addStart(rollout: Command): void {
  const command = rollout
    .command('start <action> [key=value...]')
    .summary('show which devices it is for and, with --yes or when asked, start it')
    .description(
      'Finds the devices and freezes their list. They are told in waves: one device (the canary), a tenth, the rest; a\n' +
        'wave begins when all devices of the one before have answered and, where the action shows in their state,\n' +
        'reported it. It stops by itself when the canary fails, or more of a wave than --max-errors.\n' +
        'At a site 2 devices and a tenth of the class are acted on at a time, in the city 5 sites; a device that was\n' +
        'commanded less than 15 minutes ago waits, one commanded 3 times in 24 hours is left out; lessons and exams are\n' +
        'waited for. Without --yes the list is shown, and nothing is sent before you agree.',
    )
    .addOption(new Option('--class <class>', 'kind of device').choices(deviceClasses).makeOptionMandatory())
    .option('--site <id...>', 'only at these sites')
    .option(
      '--district <name...>',
      'only in these districts',
      (text: string, before?: readonly District[]) => [...(before ?? []), readDistrict(text)],
    )
    .option('--room <id...>', 'only in rooms with these ids')
    .option('--model <name...>', 'only of these models')
    .option('--device <id...>', 'only these')
    .option('--except <id...>', 'but not these')
    .option('--everywhere', 'all of the class in the city')
    .option('--canary <id>', 'the device that is told first; left out: one that is online')
    .option('--max-errors <percent>', 'errors that a wave behind the canary may have', parsePercent, 10)
    .addOption(durationOption('--expires <duration>', 'how long each command may be delivered', '60s'))
    .addOption(durationOption('--valid-for <duration>', 'nothing is sent after that', '24h'))
    .addOption(byOption())
    .option('--reason <text>', 'why, for the record')
    .addOption(new Option('--override <guard...>', 'set a guard aside; give a --reason').choices(guardNames))
    .option('--dry-run', 'show exactly which devices it is for, and end')
    .option('--yes', 'start it without asking')
    .option('--as-shown <digest>', 'only if the list is the one that a dry run showed')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus rollout start set_brightness brightness_pct=60 --class whiteboard --site school-1 --dry-run\n' +
        '  $ campus rollout start reboot --class ap --site school-1 --model EAP660 --canary ap-101 --yes\n' +
        '  $ campus rollout start update_firmware version=2.4.1 --class ap --district 禅城 --by wang --reason CVE-2026-1',
    );
  addSettingFlags(command, instanceSettings).action(
    async (action: string, words: string[], options: StartOptions) => {
      const { settings, redisUrl } = findInstance(options);
      const { reason: why, override: overrides = [], class: deviceClass, json = false } = options;
      if (overrides.length > 0 && why === undefined)
        throw new AppError('no_reason', 'Setting a guard aside takes a --reason.');
      await withRedis(redisUrl, async (redis) => {
        const clock = await loadClock(redis);
        const registry = await new RedisCity(redis, settings.TIMEZONE).registry();
        const { site: sites, district: districts, room: rooms, model: models, device: devices } = options;
        const { except, everywhere } = options;
        const checked = checkAction(deviceClass, action, readArguments(deviceClass, action, words));
        if (isActionProblem(checked)) throw new AppError(checked.code, checked.message);
        const { args } = checked;
        const selection = { deviceClass, sites, districts, rooms, models, devices, except, everywhere };
        const found = await withCanary(redis, selectDevices(registry, selection), options.canary);
        const wide = whyWide(registry, found, action);
        const isDangerous = needsApproval(checked.action, false) || wide !== undefined;
        const targets = await freezeTargets(redis, found);
        const digest = digestOfDeed({ action, args, targets });
        const approvalWords = isDangerous
          ? `needs a second person: ${wide ?? `${action} always does`}`
          : 'not needed';
        const plan = { action, args, digest, waves: wavesOf(found.length), approval: approvalWords };
        if (json && options.yes !== true) console.log(JSON.stringify({ ...plan, devices: found }));
        if (!json) console.log(format(plan, found));
        if (options.asShown !== undefined && options.asShown !== digest)
          throw new AppError(
            'other_targets',
            `The list is another one by now (digest ${digest}): look at it again.`,
          );
        if (options.dryRun === true) return;
        const person = await identify(redis, options.by, 'operator');
        assertInCharge(
          person,
          targets.map(({ site }) => site),
        );
        if (isDangerous) assertNamed(person, `This ${approvalWords}.`);
        if (options.yes !== true && !(await agrees(found.length))) {
          console.error('Nothing was started: it takes --yes, or a "yes" at a terminal.');
          process.exitCode = 1;
          return;
        }
        const now = clock.now();
        const rolled = await createRollout(
          redis,
          {
            deviceClass,
            action,
            args,
            devices: found,
            needsApproval: isDangerous,
            errorShare: options.maxErrors / 100,
            commandMs: options.expires,
            createdBy: person.name,
            expiresAt: now + options.validFor,
            why,
            overrides,
          },
          now,
        );
        if (json) console.log(JSON.stringify(rolled));
        else if (isDangerous)
          console.log(
            `Rollout ${rolled.id} starts once it is approved: "campus approvals approve ${rolled.id} --by …".`,
          );
        else console.log(`Rollout ${rolled.id} is on its way: "campus rollout show ${rolled.id}".`);
      });
    },
  );
}

/** The canary in front: the one that is named, else the first that is online. */
async function withCanary(
  redis: Redis,
  devices: readonly Device[],
  canary: string | undefined,
): Promise<Device[]> {
  let first = canary;
  if (first === undefined) {
    const online = new Set(
      (await listPresences(redis)).flatMap(({ device, presence }) =>
        presence.state === 'online' ? [device.id] : [],
      ),
    );
    first = devices.find(({ id }) => online.has(id))?.id ?? devices[0]?.id;
  }
  const chosen = devices.find(({ id }) => id === first);
  if (chosen === undefined)
    throw new AppError(
      'no_targets',
      `Canary "${first ?? ''}" is not among the devices: it has to be one of them.`,
    );
  return [chosen, ...devices.filter((device) => device !== chosen)];
}

async function agrees(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`Send it to ${count} devices? (yes/no) `);
  lines.close();
  return answer.trim().toLowerCase() === 'yes';
}

interface Plan {
  readonly action: string;
  readonly args: Readonly<Record<string, string | number | boolean>>;
  readonly digest: string;
  readonly waves: readonly number[];
  readonly approval: string;
}

function format({ action, args, digest, waves, approval }: Plan, devices: readonly Device[]): string {
  const waveOf = (i: number) => {
    let end = 0;
    return waves.findIndex((size) => i < (end += size)) + 1;
  };
  return [
    formatTable(
      ['Wave', 'Device', 'Site', 'Room', 'Model'],
      devices.map(({ id, site, room, model = '' }, i) => [String(waveOf(i)), id, site, room, model]),
    ),
    `${describeCommand({ action, args })} for ${devices.length} devices in waves of ${waves.join(', ')}.`,
    `Approval: ${approval}. Digest of the list: ${digest}`,
  ].join('\n');
}

function parsePercent(text: string): number {
  const percent = Number(text.replace(/%$/, ''));
  if (text === '' || !(percent >= 0 && percent <= 100))
    throw new InvalidArgumentError('It must be a percentage from 0 to 100.');
  return percent;
}
