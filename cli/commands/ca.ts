import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { idPattern } from '../../devices/topic.js';
import { revokeCertificates } from '../../devices/redis-certificates.js';
import { findKnownDevices, keepCertified } from '../../devices/redis-credentials.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { CertificateStore } from '../ca/certificate-store.js';
import type { IssuedCertificate } from '../ca/certificate-store.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings, readSettings } from '../settings-flags.js';
import { formatPairs, formatTable, shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { operator } from '../terminal/command-words.js';

interface CaOptions extends Record<string, unknown> {
  readonly json?: boolean;
}
interface IssueOptions extends CaOptions {
  readonly days: number;
}

/** `campus ca init|server|issue|revoke|list` */
export function addCaCommand(program: Command): void {
  const ca = program
    .command('ca')
    .description('A small CA of your own: certificates for the broker and for devices.')
    .addHelpText(
      'after',
      `
Example (TLS with client certificates):
  $ campus ca init
  $ campus ca server broker.school.example 10.0.0.5
  $ campus ca issue co2-101 --out co2-101
  $ MQTT_TLS_PORT=8883 campus up`,
    );
  addInit(ca);
  addServer(ca);
  addIssue(ca);
  addRevoke(ca);
  addList(ca);
}

function addInit(ca: Command): void {
  const command = ca
    .command('init')
    .summary('make the CA')
    .description(
      'Makes the key and the certificate of the CA in DATA_DIR/ca. Whoever has ca.key can speak for every device:\n' +
        'keep a copy of it in a safe, not on another server.',
    )
    .option('--name <name>', 'name in the certificate', 'Perception Campus CA')
    .option('--days <days>', 'how long it is valid', parseDays, 3650)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus ca init --name "School bureau devices"');
  addSettingFlags(command, ['DATA_DIR']).action(async (options: IssueOptions & { readonly name: string }) => {
    const store = openStore(options);
    await store.init(options.name, options.days);
    const { caCertificate, caKey } = store.paths;
    print(options, { certificate: caCertificate, key: caKey }, [
      ['Certificate', shortPath(caCertificate)],
      ['Key', `${shortPath(caKey)} (keep it secret)`],
    ]);
  });
}

function addServer(ca: Command): void {
  const command = ca
    .command('server')
    .summary("make the broker's certificate")
    .description(
      'Makes a key and a certificate for the broker in DATA_DIR/ca, where it finds them (MQTT_TLS_CERT unset). A\n' +
        'running broker takes a new one up within a second or two, without dropping connections.',
    )
    .argument('<name...>', 'host names and IP addresses that devices reach the broker by')
    .option('--days <days>', 'how long it is valid', parseDays, 397)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus ca server broker.school.example 10.0.0.5');
  addSettingFlags(command, ['DATA_DIR']).action(
    async (names: [string, ...string[]], options: IssueOptions) => {
      const store = openStore(options);
      const { files, entry } = await store.issue('server', names, options.days);
      const written = store.write(store.paths.folder, 'server', files);
      print(options, { ...entry, ...written }, describe(entry, written, options));
    },
  );
}

function addIssue(ca: Command): void {
  const command = ca
    .command('issue <device>')
    .summary('make a certificate for a device')
    .description(
      'Makes a key and a certificate that stand in for the password of the device with this id, and writes them with\n' +
        'the certificate of the CA. The device must be registered ("campus devices"); its key is kept nowhere else.',
    )
    .requiredOption('--out <folder>', 'where to write DEVICE.key, DEVICE.crt and ca.crt')
    .option('--days <days>', 'how long it is valid', parseDays, 730)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus ca issue co2-101 --out co2-101');
  addSettingFlags(command, instanceSettings).action(
    async (device: string, options: IssueOptions & { readonly out: string }) => {
      if (!idPattern.test(device)) {
        throw new AppError(
          'bad_id',
          `"${device}" is no device id: up to 64 letters, digits, ".", "_" or "-".`,
        );
      }
      const store = openStore(options);
      const { files, entry } = await store.issue('device', [device], options.days);
      const written = store.write(options.out, device, files);
      print(options, { ...entry, ...written }, describe(entry, written, options));
      const hindrance = await tellRegistry(device, options);
      // On the other stream, so that what is printed can be read by a program.
      if (hindrance !== undefined) console.error(`Note: ${hindrance}`);
    },
  );
}

/**
 * Has the registry know that the device has a certificate, so that nobody can claim to be it.
 * @returns why the broker would not let the device in with a certificate, as far as the registry can be asked
 */
async function tellRegistry(device: string, options: CaOptions): Promise<string | undefined> {
  try {
    const { redisUrl } = findInstance(options);
    const [known] = await withRedis(redisUrl, async (redis) => {
      await keepCertified(redis, device, operator());
      return findKnownDevices(redis, [device]);
    });
    if (known === undefined)
      return `no device "${device}" is registered: the certificate is refused until one is ("campus devices issue").`;
    if (known.credentials?.revokedAt === undefined) return undefined;
    return `device "${device}" is revoked: "campus devices issue" lets it in again, with this certificate too.`;
  } catch (error) {
    return `the registry could not be asked whether "${device}" is registered: ${messageOf(error)}`;
  }
}

function addRevoke(ca: Command): void {
  const command = ca
    .command('revoke <device>')
    .summary('end the certificates of a device')
    .description(
      'Ends all certificates of the device that the register knows (or the one with --serial, also of another CA). A\n' +
        'connection made with one is closed within two seconds. Its passwords are left alone.',
    )
    .option('--serial <hex>', 'serial number of one certificate')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus ca revoke co2-101');
  addSettingFlags(command, instanceSettings).action(
    async (device: string, options: CaOptions & { readonly serial?: string }) => {
      const { redisUrl, settings } = findInstance(options);
      const store = new CertificateStore(settings.DATA_DIR);
      const now = Date.now();
      const known = store.list();
      const serials =
        options.serial === undefined
          ? known.filter((entry) => isUsable(entry, device, now)).map(({ serial }) => serial)
          : [parseSerial(options.serial)];
      if (serials.length === 0) {
        throw new AppError(
          'no_certificate',
          `Device "${device}" has no valid certificate in ${store.paths.register}; see "campus ca list".`,
        );
      }
      await withRedis(redisUrl, (redis) => revokeCertificates(redis, device, serials, operator()));
      const foreign = serials.filter((serial) => !known.some((entry) => entry.serial === serial));
      store.markRevoked(
        serials.filter((serial) => !foreign.includes(serial)),
        now,
      );
      const pairs: [string, string][] = [['Revoked', serials.join(', ')]];
      if (foreign.length > 0)
        pairs.push(['Note', 'The register does not know it: a certificate of another CA, or a mistake?']);
      print(options, { device, revoked: serials, unknown: foreign }, pairs);
    },
  );
}

function addList(ca: Command): void {
  const command = ca
    .command('list')
    .summary('list what the CA has issued')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus ca list');
  addSettingFlags(command, ['DATA_DIR', 'TIMEZONE']).action((options: CaOptions) => {
    const { TIMEZONE } = readSettings(options);
    const all = openStore(options).list();
    if (options.json === true) console.log(JSON.stringify(all));
    else if (all.length === 0) console.log('No certificate was issued.');
    else {
      console.log(
        formatTable(
          ['Name', 'Kind', 'Valid until', 'State', 'Serial'],
          all.map((entry) => [
            entry.name,
            entry.kind,
            formatTime(entry.notAfter, TIMEZONE),
            stateOf(entry, Date.now()),
            entry.serial,
          ]),
        ),
      );
    }
  });
}

function openStore(options: Readonly<Record<string, unknown>>): CertificateStore {
  return new CertificateStore(readSettings(options).DATA_DIR);
}

function isUsable(
  { kind, name, notAfter, revokedAt }: IssuedCertificate,
  device: string,
  now: number,
): boolean {
  return kind === 'device' && name === device && revokedAt === undefined && now < notAfter;
}

function stateOf({ notAfter, revokedAt }: IssuedCertificate, now: number): string {
  if (revokedAt !== undefined) return 'revoked';
  return now < notAfter ? 'valid' : 'expired';
}

function describe(
  entry: IssuedCertificate,
  written: ReturnType<CertificateStore['write']>,
  options: Readonly<Record<string, unknown>>,
): [string, string][] {
  return [
    ['Certificate', shortPath(written.certificate)],
    ['Key', `${shortPath(written.key)} (keep it secret)`],
    ['CA', shortPath(written.ca)],
    ['Valid until', formatTime(entry.notAfter, readSettings(options).TIMEZONE)],
    ['Serial', entry.serial],
  ];
}

function print(options: CaOptions, json: object, pairs: readonly (readonly [string, string])[]): void {
  console.log(options.json === true ? JSON.stringify(json) : formatPairs(pairs));
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 36_500) {
    throw new InvalidArgumentError('Please give whole days, 1 to 36500.');
  }
  return days;
}

/** As the broker reads it of a certificate: capitals, in pairs, without zeros in front. */
function parseSerial(text: string): string {
  const hex = text.replaceAll(':', '').toUpperCase();
  if (!/^[0-9A-F]{1,64}$/.test(hex)) {
    throw new AppError(
      'bad_serial',
      `"${text}" is no serial number: give its hexadecimal digits, as in "campus ca list".`,
    );
  }
  return (hex.length % 2 === 0 ? hex : `0${hex}`).replace(/^(00)+(?=..)/, '');
}
