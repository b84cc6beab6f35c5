import type { Command } from 'commander';
import { Option } from 'commander';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs } from '../terminal/table.js';

interface IssueOptions extends Record<string, unknown> {
  readonly site: string;
  readonly class: DeviceClass;
  readonly device: string;
  readonly room?: string;
  readonly district?: string;
  readonly json?: boolean;
}

/** `campus devices issue` */
export function addDevicesCommand(program: Command): void {
  const devices = program.command('devices').summary('register devices and issue their passwords');
  const issue = devices
    .command('issue')
    .summary('register a device and issue a new password')
    .description(
      'Registers the device (and its site, where new) and prints what to type into it. The password is valid at\n' +
        'once, is shown only now, and ends an earlier one.',
    )
    .requiredOption('--site <id>', 'campus or learning point, e.g. school-1')
    .addOption(new Option('--class <class>', 'kind of device').choices(deviceClasses).makeOptionMandatory())
    .requiredOption('--device <id>', 'device id, unique in the city; also its MQTT client id')
    .option('--room <id>', 'room that the device is in')
    .option('--district <id>', 'district of the site')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ campus devices issue --site school-1 --class sensor --device co2-101 --room 101 --json',
    );
  addSettingFlags(issue, instanceSettings).action(async (options: IssueOptions) => {
    const { redisUrl } = findInstance(options);
    const { site, device, room, district } = options;
    const credentials = await withRedis(redisUrl, (redis) =>
      issueCredentials(redis, { site, device, deviceClass: options.class, room, district }),
    );
    if (options.json === true) {
      console.log(JSON.stringify(credentials));
      return;
    }
    console.log(
      formatPairs([
        ['Client id', credentials.clientId],
        ['Username', credentials.username],
        ['Password', credentials.password],
        ['Publish to', `${credentials.topicPrefix}telemetry`],
      ]),
    );
  });
}
