import type { Command } from 'commander';
import {
  abortRollout,
  changeRollout,
  findRollout,
  listRollouts,
  settleStanding,
} from '../../alerts/control/redis-rollouts.js';
import { standingOfWaves } from '../../alerts/control/rollout-step.js';
import type { RolloutStanding } from '../../alerts/control/rollout-step.js';
import type { Rollout } from '../../devices/rollout.js';
import { AppError } from '../../runtime/app-error.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { findInstance } from '../instance.js';
import { assertInCharge, byOption, identify } from '../person.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { describeCommand } from '../terminal/command-words.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { addStart } from './rollout-start.js';

interface RolloutOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

type Who = Parameters<typeof abortRollout>[2];

/** `campus rollout start|list|show|pause|resume|abort` */
export function addRolloutCommand(program: Command): void {
  const rollout = program
    .command('rollout')
    .summary('tell a group of devices what to do: one first, then a tenth, then the rest');
  addStart(rollout);
  addList(rollout);
  addShow(rollout);
  addChange(
    rollout,
    'pause',
    'hold it: nothing more is sent, what is under way comes to its end',
    (redis, id, who) => changeRollout(redis, id, 'paused', who),
  );
  addChange(
    rollout,
    'resume',
    'go on after a pause, or after it stopped because of errors',
    (redis, id, who) => resume(redis, id, who),
  );
  addChange(rollout, 'abort', 'end it for good, and withdraw what no device has answered', abortRollout);
}

/** What awaits its approval is not started by resuming it. */
async function resume(redis: Redis, id: string, who: Who): Promise<Rollout | undefined> {
  const { state } = await findRollout(redis, id);
  return state === 'awaiting_approval' ? undefined : changeRollout(redis, id, 'running', who);
}

function addList(rollout: Command): void {
  const command = rollout
    .command('list')
    .summary('list group commands, newest first')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus rollout list');
  addSettingFlags(command, instanceSettings).action(async (options: RolloutOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const found = await withRedis(redisUrl, listRollouts);
    if (options.json === true) console.log(JSON.stringify(found));
    else if (found.length === 0) console.log('There is no group command.');
    else
      console.log(
        formatTable(
          ['Id', 'Created', 'By', 'What', 'Devices', 'State'],
          found.map((each) => [
            each.id,
            formatTime(each.createdAt, settings.TIMEZONE),
            each.createdBy,
            describeCommand(each),
            `${each.targets.length} ${each.deviceClass}`,
            describeState(each),
          ]),
        ),
      );
  });
}

function addShow(rollout: Command): void {
  const command = rollout
    .command('show <id>')
    .summary('how far it is: waves, errors, what it waits for')
    .option('--json', 'print one JSON object, with what came of each device')
    .addHelpText('after', '\nExample:\n  $ campus rollout show r1f2e3d4c');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: RolloutOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const [found, standing] = await withRedis(
      redisUrl,
      async (redis) => [await findRollout(redis, id), await settleStanding(redis, id)] as const,
    );
    if (options.json === true)
      console.log(JSON.stringify({ ...found, outcomes: Object.fromEntries(standing) }));
    else console.log(format(found, standing, settings.TIMEZONE));
  });
}

function addChange(
  rollout: Command,
  verb: string,
  summary: string,
  change: (redis: Redis, id: string, who: Who) => Promise<Rollout | undefined>,
): void {
  const command = rollout
    .command(`${verb} <id>`)
    .summary(summary)
    .addOption(byOption())
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print one JSON object')
    .addHelpText('after', `\nExample:\n  $ campus rollout ${verb} r1f2e3d4c --reason "two panels stay dark"`);
  addSettingFlags(command, instanceSettings).action(
    async (id: string, options: RolloutOptions & { readonly by?: string; readonly reason?: string }) => {
      const changed = await withRedis(findInstance(options).redisUrl, async (redis) => {
        const person = await identify(redis, options.by, 'operator');
        const before = await findRollout(redis, id);
        assertInCharge(
          person,
          before.targets.map(({ site }) => site),
        );
        const at = (await loadClock(redis)).now();
        const after = await change(redis, id, { at, by: person.name, why: options.reason });
        if (after !== undefined) return after;
        throw new AppError(
          'wrong_state',
          `Rollout ${id} is ${describeState(before)}: there is nothing to ${verb} now.`,
        );
      });
      console.log(
        options.json === true ? JSON.stringify(changed) : `Rollout ${id} is ${describeState(changed)}.`,
      );
    },
  );
}

function describeState({ state }: Rollout): string {
  return state.replaceAll('_', ' ');
}

const shownErrors = 20;

function format(rollout: Rollout, standing: RolloutStanding, timezone: string): string {
  const { id, targets, deviceClass, createdBy, createdAt, expiresAt, why, history, waitsFor } = rollout;
  const errors = [...standing].flatMap(([device, outcome]) =>
    outcome === 'under_way' || outcome.state === 'done' ? [] : [[device, outcome.state, outcome.why ?? '']],
  );
  return [
    formatPairs([
      ['Rollout', id],
      ['What', describeCommand(rollout)],
      ['Devices', `${targets.length} ${deviceClass}`],
      ['Created', `${formatTime(createdAt, timezone)} by ${createdBy}`],
      ['Why', why ?? ''],
      ['Ends', formatTime(expiresAt, timezone)],
      ['State', describeState(rollout)],
      ['Waits for', waitsFor ?? ''],
    ]),
    formatTable(
      ['Wave', 'Devices', 'Done', 'Errors', 'May fail', 'Under way', 'To come'],
      standingOfWaves(rollout, standing).map(({ size, done, errors: failed, allowed, underWay, untold }, i) =>
        [i + 1, size, done, failed, allowed, underWay, untold.length].map(String),
      ),
    ),
    ...(errors.length === 0 ? [] : [formatTable(['Device', 'Came to', 'Why'], errors.slice(0, shownErrors))]),
    ...(errors.length > shownErrors
      ? [`… and ${errors.length - shownErrors} more: --json has them all.`]
      : []),
    formatTable(
      ['When', 'State', 'By', ''],
      history.map((step) => [
        formatTime(step.at, timezone),
        step.state.replaceAll('_', ' '),
        step.by,
        step.why ?? '',
      ]),
    ),
  ].join('\n');
}
