import type { Command } from 'commander';
import { readStop, resumeAll, stopAll } from '../../devices/redis-stop-all.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { findInstance } from '../instance.js';
import { byOption, identify } from '../person.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';

interface StopOptions extends Record<string, unknown> {
  readonly by?: string;
  readonly reason: string;
  readonly json?: boolean;
}

/** `campus command stop-all|resume-all` */
export function addStopAll(commands: Command): void {
  const stop = commands
    .command('stop-all')
    .summary('the switch for the whole city: no command goes out until resume-all')
    .description(
      'From now on no command is issued, by whomever, and none that waits is delivered; what a device has, it may act on.\n' +
        'Group commands wait; commands that expire meanwhile are not made up for.',
    )
    .requiredOption('--reason <text>', 'why, for all who wonder')
    .addOption(byOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus command stop-all --reason "APs reboot on their own"');
  addSettingFlags(stop, instanceSettings).action(async (options: StopOptions) => {
    const stopped = await withRedis(findInstance(options).redisUrl, async (redis) => {
      const { name: by } = await identify(redis, options.by, 'operator');
      await stopAll(redis, { by, at: (await loadClock(redis)).now(), why: options.reason });
      return readStop(redis);
    });
    console.log(options.json === true ? JSON.stringify(stopped) : 'All commands are stopped.');
  });
  const resume = commands
    .command('resume-all')
    .summary('let commands go out again')
    .requiredOption('--reason <text>', 'why it is safe again')
    .addOption(byOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus command resume-all --reason "firmware 2.4.2 is out"');
  addSettingFlags(resume, instanceSettings).action(async (options: StopOptions) => {
    const before = await withRedis(findInstance(options).redisUrl, async (redis) => {
      const { name: by } = await identify(redis, options.by, 'operator');
      return resumeAll(redis, { by, at: (await loadClock(redis)).now(), why: options.reason });
    });
    if (options.json === true) console.log(JSON.stringify({ resumed: before ?? null }));
    else console.log(before === undefined ? 'Nothing was stopped.' : 'Commands go out again.');
  });
}
