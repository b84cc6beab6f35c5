import type { Command } from 'commander';
import { Option } from 'commander';
import type { Credentials, KnownDevice } from '../../devices/credential.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { District } from '../../devices/district.js';
import {
  findKnown,
  findKnownDevices,
  issueCredentials,
  listKnownDevices,
  revokeCredentials,
  rotateCredentials,
} from '../../devices/redis-credentials.js';
import { topicPrefix } from '../../devices/topic.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { readDistrict } from '../district-option.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addAdopt, addUnknown } from './unknown-devices.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { operator } from '../terminal/command-words.js';

interface DeviceOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

interface IssueOptions extends DeviceOptions {
  readonly site: string;
  readonly class: DeviceClass;
  readonly device: string;
  readonly room?: string;
  readonly district?: District;
}

/** `campus devices issue|rotate|revoke|show|list` */
export function addDevicesCommand(program: Command): void {
  const devices = program.command('devices');
  addIssue(devices);
  addRotate(devices);
  addRevoke(devices);
  addShow(devices);
  addList(devices);
  addUnknown(devices);
  addAdopt(devices);
}

function addIssue(devices: Command): void {
  const command = devices
    .command('issue')
    .summary('register a device and issue a new password')
    .description(
      'Registers the device (and its site, where new) and prints what to type into it. The password is valid at ' +
        'once, is shown only now, and ends an earlier one and the connection made with it.',
    )
    .requiredOption('--site <id>', 'campus or learning point, e.g. school-1')
    .addOption(new Option('--class <class>', 'kind of device').choices(deviceClasses).makeOptionMandatory())
    .requiredOption('--device <id>', 'device id, unique in the city; also its MQTT client id')
    .option('--room <id>', 'room that the device is in')
    .option('--district <name>', 'district of the site, e.g. nanhai or 南海', readDistrict)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  $ campus devices issue --site school-1 --class sensor --device co2-101 --room r101 --json',
    );
  addSettingFlags(command, instanceSettings).action(async (options: IssueOptions) => {
    const { site, device, room, district } = options;
    const { credentials, before } = await ask(options, async (redis) => {
      const [known] = await findKnownDevices(redis, [device]);
      const wanted = { site, device, deviceClass: options.class, room, district };
      return { credentials: await issueCredentials(redis, wanted, operator()), before: known?.credentials };
    });
    console.log(options.json === true ? JSON.stringify(credentials) : formatCredentials(credentials));
    // On the other stream, so that what is printed can be read by a program.
    if (before?.revokedAt !== undefined) console.error(`Device "${device}" was revoked and is let in again.`);
    else if (before !== undefined && before.secrets.length > 0)
      console.error(`The earlier password of "${device}" and the connection made with it have ended.`);
  });
}

function addRotate(devices: Command): void {
  const command = devices
    .command('rotate <device>')
    .summary('issue a new password while the present one goes on for a while')
    .description(
      'Issues a new password. With --overlap the present one stays valid for that long, so that the device can be ' +
        'given the new one without being cut off; without it, the present one and its connection end at once.',
    )
    .addOption(durationOption('--overlap <duration>', 'how long the present password stays valid', '0s'))
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus devices rotate co2-101 --overlap 24h');
  addSettingFlags(command, instanceSettings).action(
    async (id: string, options: DeviceOptions & { readonly overlap: number }) => {
      const { settings } = findInstance(options);
      const { credentials, kept } = await ask(options, (redis) =>
        rotateCredentials(redis, id, options.overlap, operator()),
      );
      const [, earlier] = kept.secrets;
      if (options.json === true) {
        console.log(JSON.stringify({ ...credentials, earlierValidUntil: earlier?.until ?? null }));
        return;
      }
      console.log(formatCredentials(credentials));
      console.log(
        earlier?.until === undefined
          ? 'Earlier passwords are no longer valid.'
          : `The earlier password is valid until ${formatTime(earlier.until, settings.TIMEZONE)}.`,
      );
    },
  );
}

function addRevoke(devices: Command): void {
  const command = devices
    .command('revoke <device>')
    .summary('end all passwords of a device at once and close its connection')
    .description(
      'Ends all passwords of the device and its right to connect with a certificate or to claim a new password; ' +
        'an open connection is closed within two seconds. "campus devices issue" gives it a new password; ' +
        'certificates issued until now are not taken again.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus devices revoke co2-101');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: DeviceOptions) => {
    await ask(options, (redis) => revokeCredentials(redis, id, operator()));
    console.log(options.json === true ? JSON.stringify({ revoked: id }) : `Device "${id}" is revoked.`);
  });
}

function addShow(devices: Command): void {
  const command = devices
    .command('show <device>')
    .summary('show what is known of a device and its passwords')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus devices show co2-101');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: DeviceOptions) => {
    const { settings } = findInstance(options);
    const known = await ask(options, (redis) => findKnown(redis, id));
    if (options.json === true) {
      console.log(JSON.stringify(describe(known)));
      return;
    }
    const { device } = known;
    console.log(
      formatPairs([
        ['Device', device.id],
        ['Class', device.deviceClass],
        ['Site', device.site],
        ['Room', device.room],
        ['Topics', `${topicPrefix(device.site, device.deviceClass, device.id)}…`],
        ['Passwords', formatState(known, settings.TIMEZONE)],
      ]),
    );
  });
}

function addList(devices: Command): void {
  const command = devices
    .command('list')
    .summary('list the registered devices')
    .option('--site <id>', 'only those of this site')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus devices list --site school-1');
  addSettingFlags(command, instanceSettings).action(
    async (options: DeviceOptions & { readonly site?: string }) => {
      const { settings } = findInstance(options);
      const all = await ask(options, listKnownDevices);
      const listed = all.filter(({ device }) => options.site === undefined || device.site === options.site);
      if (options.json === true) console.log(JSON.stringify(listed.map(describe)));
      else if (listed.length === 0) console.log('No device is registered.');
      else {
        console.log(
          formatTable(
            ['Device', 'Class', 'Site', 'Room', 'Passwords'],
            listed.map((known) => {
              const { id, deviceClass, site, room } = known.device;
              return [id, deviceClass, site, room, formatState(known, settings.TIMEZONE)];
            }),
          ),
        );
      }
    },
  );
}

function ask<Answer>(options: DeviceOptions, work: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  return withRedis(findInstance(options).redisUrl, work);
}

function formatCredentials({ clientId, username, password, topicPrefix: prefix }: Credentials): string {
  return formatPairs([
    ['Client id', clientId],
    ['Username', username],
    ['Password', password],
    ['Publish to', `${prefix}telemetry`],
  ]);
}

/** Without the hashes, which are nobody's business. */
function describe({ device, credentials }: KnownDevice) {
  const secrets = validSecrets(credentials).map(({ issuedAt, until }) => ({
    issuedAt,
    until: until ?? null,
  }));
  return { ...device, secrets, revokedAt: credentials?.revokedAt ?? null };
}

function formatState({ credentials }: KnownDevice, timezone: string): string {
  const time = (at: number) => formatTime(at, timezone);
  if (credentials?.revokedAt !== undefined) return `revoked ${time(credentials.revokedAt)}`;
  const secrets = validSecrets(credentials).map(({ issuedAt, until }) =>
    until === undefined ? `issued ${time(issuedAt)}` : `earlier one until ${time(until)}`,
  );
  return secrets.length > 0 ? secrets.join(', ') : 'none yet';
}

function validSecrets(credentials: KnownDevice['credentials']) {
  const now = Date.now();
  return (credentials?.secrets ?? []).filter(({ until }) => until === undefined || now < until);
}
