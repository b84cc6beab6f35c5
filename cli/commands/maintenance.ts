import type { Command } from 'commander';
import { endOf, stateAt } from '../../devices/maintenance.js';
import type { MaintenanceWindow } from '../../devices/maintenance.js';
import { announceMaintenance, endMaintenance, listMaintenance } from '../../devices/redis-maintenance.js';
import { AppError } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import { loadClock } from '../../runtime/redis-clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { parseDurationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { operator } from '../terminal/command-words.js';
import { parseTime } from '../terminal/parse-time.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface AddOptions extends Record<string, unknown> {
  readonly site?: string;
  readonly room?: string;
  readonly device?: string;
  readonly from?: string;
  readonly until?: string;
  readonly for?: number;
  readonly reason?: string;
  readonly json?: boolean;
}

/** `campus maintenance add|list|end` */
export function addMaintenanceCommand(program: Command): void {
  const maintenance = program.command('maintenance');
  addAdd(maintenance);
  addList(maintenance);
  addEnd(maintenance);
}

function addAdd(maintenance: Command): void {
  const command = maintenance
    .command('add')
    .summary('announce work on a device, in a room or at a site')
    .usage(
      '(--site <id> [--room <id>] | --device <id>) (--for <duration> | --until <time>) --reason <text> [options]',
    )
    .description(
      'Announces work, so that rules know of it ("maintenance" in their conditions) within two seconds. Who announced ' +
        'it is kept. Times are those of the pipeline, as 2026-03-02T08:00 (by the clocks of TIMEZONE) or with a zone.',
    )
    .option('--site <id>', 'the site; not needed with --device')
    .option('--room <id>', 'only this room of it')
    .option('--device <id>', 'only this device')
    .option('--from <time>', 'when it begins; left out: now')
    .option('--until <time>', 'when it ends')
    .option('--for <duration>', 'how long it is, such as 2h, in place of --until', parseDurationOption)
    .option('--reason <text>', 'what is done, for those who wonder (required)')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus maintenance add --site school-1 --for 2h --reason "switches are replaced"\n' +
        '  $ campus maintenance add --device ap-101 --from 2026-03-02T18:00 --until 2026-03-02T20:00 --reason 换线',
    );
  addSettingFlags(command, instanceSettings).action(async (options: AddOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const window = await withClock(redisUrl, (redis, clock) => {
      const { site, room, device, reason } = options;
      const at = clock.now();
      const from = options.from === undefined ? at : readTime('from', options.from, settings.TIMEZONE);
      const until =
        options.until === undefined ? undefined : readTime('until', options.until, settings.TIMEZONE);
      if (until !== undefined && options.for !== undefined)
        throw new AppError(
          'bad_maintenance',
          'Give either --until or --for, not both: they may say different ends.',
        );
      const end = until ?? (options.for === undefined ? undefined : from + options.for);
      if (end === undefined) throw new AppError('bad_maintenance', 'Say how long: give --until or --for.');
      if (reason === undefined)
        throw new AppError(
          'bad_maintenance',
          'Say what is done, for those who wonder: --reason "switches are replaced".',
        );
      const wanted = { site, room, device, from, until: end, reason };
      return announceMaintenance(redis, wanted, { by: operator(), at });
    });
    const end = formatTime(window.until, settings.TIMEZONE);
    console.log(
      options.json === true
        ? JSON.stringify(window)
        : `Maintenance ${window.id}: ${describePlace(window)}, until ${end}.`,
    );
  });
}

function addList(maintenance: Command): void {
  const command = maintenance
    .command('list')
    .summary('list what is going on and planned')
    .option('--all', 'also what is over; it is remembered for 90 days')
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus maintenance list\n  $ campus maintenance list --all --json',
    );
  addSettingFlags(command, instanceSettings).action(async (options: { all?: boolean; json?: boolean }) => {
    const { settings, redisUrl } = findInstance({ ...options });
    const windows = await withClock(redisUrl, async (redis, clock) => {
      const all = (await listMaintenance(redis)).map((window) => ({
        ...window,
        state: stateAt(window, clock.now()),
      }));
      return all.filter(({ state }) => options.all === true || state !== 'over');
    });
    const time = (at: number) => formatTime(at, settings.TIMEZONE);
    if (options.json === true) console.log(JSON.stringify(windows));
    else if (windows.length === 0) console.log('No maintenance is announced.');
    else
      console.log(
        formatTable(
          ['Id', 'Where', 'From, until', 'State', 'Reason', 'By'],
          windows.map((window) => [
            window.id,
            describePlace(window),
            `${time(window.from)}\n${time(endOf(window))}`,
            window.state,
            window.reason,
            window.ended === undefined ? window.by : `${window.by}\nended by ${window.ended.by}`,
          ]),
        ),
      );
  });
}

function addEnd(maintenance: Command): void {
  const command = maintenance
    .command('end <id>')
    .summary('end maintenance before its time; the beginning of its id is enough')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus maintenance end 1f2e3d4c');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: { json?: boolean }) => {
    const { redisUrl } = findInstance({ ...options });
    const window = await withClock(redisUrl, async (redis, clock) =>
      endMaintenance(redis, idOf(id, await listMaintenance(redis), clock.now()), {
        by: operator(),
        at: clock.now(),
      }),
    );
    console.log(
      options.json === true
        ? JSON.stringify(window)
        : `Maintenance ${window.id}: ${describePlace(window)}, ended.`,
    );
  });
}

/** The id that begins so, where only one of those that are not over does; else as it is. */
function idOf(beginning: string, windows: readonly MaintenanceWindow[], now: number): string {
  const matching = windows.filter(
    (window) => window.id.startsWith(beginning) && stateAt(window, now) !== 'over',
  );
  if (matching.length > 1)
    throw new AppError(
      'ambiguous_maintenance',
      `${matching.length} announcements begin with "${beginning}": ${matching.map(({ id }) => id).join(', ')}. ` +
        'Write more of the id.',
    );
  return matching[0]?.id ?? beginning;
}

function describePlace({ site, room, device }: MaintenanceWindow): string {
  if (device !== undefined) return `device ${device} (${site})`;
  return room === undefined ? `site ${site}` : `room ${room} (${site})`;
}

function readTime(option: string, text: string, timezone: string): number {
  const at = parseTime(text, timezone);
  if (at !== undefined) return at;
  throw new AppError('bad_maintenance', `--${option} "${text}" is no time: write it like 2026-03-02T08:00.`);
}

function withClock<T>(redisUrl: string, work: (redis: Redis, clock: Clock) => Promise<T>): Promise<T> {
  return withRedis(redisUrl, async (redis) => work(redis, await loadClock(redis)));
}
