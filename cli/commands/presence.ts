import { Option } from 'commander';
import type { Command } from 'commander';
import { presenceStates, presenceWords } from '../../devices/presence.js';
import type { PresenceState } from '../../devices/presence.js';
import { listPresenceChanges, listPresences } from '../../devices/redis-presence.js';
import type { DevicePresence } from '../../devices/redis-presence.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatCount } from '../terminal/format-count.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface PresenceOptions extends Record<string, unknown> {
  readonly state?: readonly PresenceState[];
  readonly site?: string;
  readonly changes?: boolean;
  readonly json?: boolean;
}

const mostChanges = 1000;

/** `campus presence` */
export function addPresenceCommand(program: Command): void {
  const command = program
    .command('presence')
    .summary('which devices are there, and since when')
    .description(
      'Lists the registered devices with their presence: online; sleeping (it said so); stale (connected, but three ' +
        'reports missed); offline (gone and missed); unknown (missed, but what it is reached through is gone itself; ' +
        'or never heard).',
    )
    .addOption(
      new Option('--state <state...>', 'only those in these states').choices(presenceStates as string[]),
    )
    .option('--site <id>', 'only those of this site')
    .option('--changes', `the last changes in place of the states, newest first, ${mostChanges} at most`)
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus presence --state offline stale\n  $ campus presence --site school-1 --json\n' +
        '  $ campus presence --changes',
    );
  addSettingFlags(command, instanceSettings).action(async (options: PresenceOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const { state, site, json } = options;
    const time = (at: number | undefined) => (at === undefined ? '' : formatTime(at, settings.TIMEZONE));
    await withRedis(redisUrl, async (redis) => {
      const ofSite = (await listPresences(redis)).filter(
        ({ device }) => site === undefined || device.site === site,
      );
      const isWanted = (each: PresenceState) => state === undefined || state.includes(each);
      if (options.changes === true) {
        const ids = new Set(ofSite.map(({ device }) => device.id));
        const changes = (await listPresenceChanges(redis, mostChanges)).filter(
          ({ device, to }) => isWanted(to) && (site === undefined || ids.has(device)),
        );
        if (json === true) console.log(JSON.stringify(changes));
        else if (changes.length === 0) console.log('No presence has changed yet.');
        else
          console.log(
            formatTable(
              ['When', 'Device', 'From', 'To'],
              changes.map(({ at, device, from, to }) => [time(at), device, from ?? '', to]),
            ),
          );
        return;
      }
      const listed = ofSite.filter(({ presence }) => isWanted(presence.state));
      if (json === true) {
        console.log(JSON.stringify(listed.map(describe)));
        return;
      }
      console.log(formatCounts(ofSite));
      if (listed.length === 0) return;
      console.log(
        formatTable(
          ['Device', 'Class', 'Site', 'Room', 'Presence', 'Since', 'Last seen'],
          listed.map(({ device, presence }) => [
            device.id,
            device.deviceClass,
            device.site,
            device.room,
            `${presence.state} ${presenceWords[presence.state].zh}`,
            time(presence.since),
            time(presence.lastSeenAt),
          ]),
        ),
      );
    });
  });
}

function describe({ device, presence, contact }: DevicePresence) {
  const { id, deviceClass, site, room, parent } = device;
  return {
    device: id,
    deviceClass,
    site,
    room,
    parent: parent ?? null,
    state: presence.state,
    since: presence.since ?? null,
    lastSeenAt: presence.lastSeenAt ?? null,
    connected: contact?.connected ?? false,
  };
}

function formatCounts(all: readonly DevicePresence[]): string {
  const counts = presenceStates.map(
    (state) => `${all.filter(({ presence }) => presence.state === state).length} ${state}`,
  );
  return `${formatCount(all.length, 'device')}: ${counts.join(', ')}`;
}
