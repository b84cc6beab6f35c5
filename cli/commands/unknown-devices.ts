import type { Command } from 'commander';
import { adoptDevice, listUnknownDevices } from '../../ingest/quarantine/redis-unknown-devices.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { operator } from '../terminal/command-words.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface AdoptOptions extends Record<string, unknown> {
  readonly site?: string;
  readonly room?: string;
  readonly json?: boolean;
}

// Both go through all that is in quarantine.
const timeoutMs = 60_000;

/** `campus devices unknown` */
export function addUnknown(devices: Command): void {
  const command = devices
    .command('unknown')
    .summary('list devices that publish and are not registered')
    .description('Lists devices that publish and are not registered: what they send is kept in quarantine.')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus devices unknown --json');
  addSettingFlags(command, instanceSettings).action(async (options: Record<string, unknown>) => {
    const { settings, redisUrl } = findInstance(options);
    const unknown = await withRedis(redisUrl, (redis) => listUnknownDevices(redis), timeoutMs);
    if (options['json'] === true) {
      console.log(JSON.stringify(unknown));
      return;
    }
    if (unknown.length === 0) {
      console.log('No unknown device is in quarantine.');
      return;
    }
    const time = (at: number) => formatTime(at, settings.TIMEZONE);
    console.log(
      formatTable(
        ['Device', 'Site', 'Class', 'First seen', 'Last seen', 'Messages'],
        unknown.map(({ device, site, deviceClass, firstSeenAt, lastSeenAt, messages }) => [
          device,
          site,
          deviceClass,
          time(firstSeenAt),
          time(lastSeenAt),
          messages,
        ]),
      ),
    );
    console.log('Take one over with "campus devices adopt ID".');
  });
}

/** `campus devices adopt ID` */
export function addAdopt(devices: Command): void {
  const command = devices
    .command('adopt <id>')
    .summary('register an unknown device and store what it sent')
    .description(
      'Registers an unknown device as what it says to be, and sends its messages out of the quarantine through the\n' +
        'pipeline, in their order; they are stored and raise no alarm.',
    )
    .option('--room <id>', 'room that the device is in')
    .option('--site <id>', 'which site, when it is heard at several')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus devices adopt co2-101 --room r101');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: AdoptOptions) => {
    const { redisUrl } = findInstance(options);
    const { room, site } = options;
    const adopted = await withRedis(
      redisUrl,
      (redis) => adoptDevice(redis, { device: id, room, site }, operator()),
      timeoutMs,
    );
    const { device, replayed } = adopted;
    console.log(
      options.json === true
        ? JSON.stringify(adopted)
        : `"${id}" is a ${device.deviceClass} at site "${device.site}" now; ${replayed} messages sent through the pipeline again.\n` +
            `It has no password of its own by this: it claims one, or "campus devices issue --site ${device.site} --class ${device.deviceClass} --device ${id}${room === undefined ? '' : ` --room ${room}`}" prints one.`,
    );
  });
}
