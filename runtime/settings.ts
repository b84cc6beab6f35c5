import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from './app-error.js';

/** Numbers with one sentence for all that can be wrong with them. */
const number = (hint: string, isRight: (value: number) => boolean) =>
  z.coerce.number({ error: `must be ${hint}` }).refine(isRight, { error: `must be ${hint}` });
const wholeNumber = (hint: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(hint, (value) => Number.isInteger(value) && value >= least && value <= most);
const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` });

const port = wholeNumber('a port number, 1 to 65535', 1, 65_535);
const portOrOff = wholeNumber('a port number, 1 to 65535, or 0 for off', 0, 65_535);
const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });
const flag = z.union(
  [z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true'), z.boolean()],
  { error: 'must be 0, 1, true or false' },
);
const seconds = number('a number of seconds above 0', (value) => value > 0);
const count = wholeNumber('a whole number above 0', 1);
/** Whether each address is one is checked by who parses them. */
const mailAddresses = z.string().refine((text) => text.includes('@'), {
  error: 'must be a mail address such as ops@example.org or Duty <ops@example.org>',
});

const mailSeverities = ['warning', 'minor', 'major', 'critical'] as const;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

interface SettingDefinition {
  readonly schema: z.ZodType;
  readonly help: string;
  /** Printed as `***`: the value, or the password in the URL, opens something. */
  readonly secret?: true;
}

/** Every setting there is: environment variable, check, default and one line of help. */
export const settingDefinitions = {
  DATA_DIR: {
    schema: z.string().min(1).default('var'),
    help: 'Folder for the databases, secrets and written mail of this instance',
  },
  MQTT_HOST: { schema: z.string().min(1).default('127.0.0.1'), help: 'Address the MQTT broker listens on' },
  MQTT_PORT: { schema: portOrOff.default(1883), help: 'Port for plain MQTT; 0 switches it off' },
  BROKERS: {
    schema: count.max(64).default(1),
    help: 'Broker processes; each listens one port up from the last, and a device may connect to any',
  },
  MQTT_TLS_HOST: {
    schema: z.string().min(1).optional(),
    help: 'Address for MQTT_TLS_PORT and MQTT_WSS_PORT; unset: MQTT_HOST',
  },
  MQTT_TLS_PORT: {
    schema: portOrOff.default(0),
    help: 'Port for MQTT over TLS 1.2 or 1.3, usually 8883; 0 switches it off',
  },
  MQTT_WS_PORT: {
    schema: portOrOff.default(0),
    help: 'Port for MQTT over WebSocket, path /mqtt; 0 switches it off',
  },
  MQTT_WSS_PORT: {
    schema: portOrOff.default(0),
    help: 'Port for MQTT over WebSocket with TLS; 0 switches it off',
  },
  MQTT_TLS_CERT: {
    schema: z.string().optional(),
    help: 'Server certificate with its chain, PEM; unset: that of "campus ca server"; read again when it changes',
  },
  MQTT_TLS_KEY: { schema: z.string().optional(), help: 'Private key of MQTT_TLS_CERT, PEM' },
  MQTT_TLS_CA: {
    schema: z.string().optional(),
    help: 'CA of the client certificates, PEM; unset: that of "campus ca init", where there is one',
  },
  MQTT_MAX_SOCKETS: {
    schema: count.default(20_000),
    help: 'Connections in all; more are closed at once',
  },
  MQTT_MAX_SOCKETS_PER_ADDRESS: {
    schema: count.default(2000),
    help: 'Connections from one address (IPv6: one /64), which may be a whole school; more are closed at once',
  },
  MQTT_CONNECT_TIMEOUT_S: {
    schema: seconds.default(5),
    help: 'A connection whose CONNECT is not there by then, TLS and WebSocket handshakes included, is closed',
  },
  MQTT_MAX_KEEP_ALIVE_S: {
    schema: count.max(65_535).default(3600),
    help: 'Longest keep-alive; a client that asks for more, or for none, gets this',
  },
  MQTT_MAX_SUBSCRIPTIONS: {
    schema: count.default(8),
    help: 'Subscriptions of one client; more are refused',
  },
  MQTT_MAX_RATE: {
    schema: count.default(1000),
    help: 'Messages (and pings and subscriptions) a second of one client; above it the client is read no faster, not disconnected',
  },
  MQTT_MAX_BYTES_PER_S: {
    schema: count.default(4_194_304),
    help: 'Bytes (topics and payloads) a second of one client, in the same way',
  },
  MQTT_BURST_S: {
    schema: seconds.default(10),
    help: "So many seconds' worth of MQTT_MAX_RATE and MQTT_MAX_BYTES_PER_S may come at once",
  },
  HTTP_HOST: { schema: z.string().min(1).default('127.0.0.1'), help: 'Address the HTTP API listens on' },
  HTTP_PORT: { schema: port.default(8080), help: 'TCP port of the HTTP API' },
  REDIS_URL: {
    schema: url('redis:', 'rediss:').optional(),
    help: 'Redis or Valkey to use; unset: a private one is started on loopback',
    secret: true,
  },
  REDIS_MEMORY_MB: {
    schema: count.default(Math.max(256, Math.floor(totalmem() / 2 / 1_048_576))),
    help: 'Memory of the private Redis; at 90 % of it no more readings are taken (default: half of the machine’s)',
  },
  ALLOW_VOLATILE_REDIS: {
    schema: flag.default(false),
    help: '1 accepts a Redis that may lose acknowledged readings (for trials only)',
  },
  INFLUX_URL: {
    schema: url('http:', 'https:').optional(),
    help: 'InfluxDB 1.x, 2.x or 3 Core to use; unset: a private one is started on loopback',
    secret: true,
  },
  INFLUX_TOKEN: {
    schema: z.string().optional(),
    help: 'Token for InfluxDB 2.x or 3, or user:password for 1.x',
    secret: true,
  },
  INFLUX_ORG: { schema: z.string().optional(), help: 'Organisation (InfluxDB 2.x only)' },
  INFLUX_BUCKET: {
    schema: z.string().min(1).default('campus'),
    help: 'Bucket (2.x) or database (1.x, 3) to write to',
  },
  SMTP_URL: {
    schema: url('smtp:', 'smtps:').optional(),
    help: 'Mail server; unset: mails are written as .eml files to DATA_DIR/outbox',
    secret: true,
  },
  MAIL_FROM: {
    schema: mailAddresses.default('感知校园 Perception Campus <campus@localhost>'),
    help: 'Sender of the alarm mails',
  },
  MAIL_TO: {
    schema: mailAddresses.optional(),
    help: 'Recipients of the alarm mails, separated by commas; required with SMTP_URL',
  },
  MAIL_MIN_SEVERITY: {
    schema: oneOf(mailSeverities).default('warning'),
    help: `Alarms below this severity are recorded but not mailed: ${mailSeverities.join(', ')}`,
  },
  TIMEZONE: {
    schema: z
      .string()
      .default('Asia/Shanghai')
      .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', {
        error: 'must be an IANA time zone such as Asia/Shanghai',
      }),
    help: 'Time zone that people see; data is stored in UTC',
  },
  LOG_LEVEL: {
    schema: oneOf(logLevels).default('info'),
    help: `Least severe log line that is written: ${logLevels.join(', ')}`,
  },
  RULES_DIR: { schema: z.string().optional(), help: 'Folder of rule files; unset: the shipped catalogue' },
  BRIDGES_FILE: {
    schema: z.string().optional(),
    help: 'YAML file of the other brokers that readings are taken from; unset: none',
  },
  PROFILES_DIR: {
    schema: z.string().optional(),
    help: "Folder of your own profiles of vendors' payloads, beside the shipped ones",
  },
  LOG_SHARDS: {
    schema: wholeNumber('a whole number, 1 to 256', 1, 256).default(4),
    help: 'Shards of the reading log; fixed when the log is first used',
  },
  LATENESS_LIMIT_S: {
    schema: seconds.default(900),
    help: 'Readings older than this on arrival raise no alarm',
  },
  FUTURE_LIMIT_S: {
    schema: seconds.default(300),
    help: 'Readings further ahead of the clock than this are quarantined as a wrong clock',
  },
  MAX_AGE_DAYS: {
    schema: number('a number of days above 0', (days) => days > 0).default(30),
    help: 'Readings older than this on arrival are quarantined as a wrong clock',
  },
  MAX_PAYLOAD_BYTES: {
    schema: count.default(1_048_576),
    help: 'Larger MQTT payloads are quarantined with their first bytes only',
  },
  MAX_CONNECT_BYTES: {
    schema: count.default(8192),
    help: 'A larger CONNECT packet closes the connection, before anything of it is kept',
  },
  MAX_PACKET_BYTES: {
    schema: count.default(2_097_152),
    help: 'A larger MQTT packet closes the connection, before anything of it is kept',
  },
  QUARANTINE_COUNT: {
    schema: count.default(500_000),
    help: 'Messages kept in quarantine, shared out over the shards; above it the oldest expire, counted as that',
  },
  QUARANTINE_BYTES: {
    schema: count.default(134_217_728),
    help: 'Bytes kept in quarantine, in the same way',
  },
  OUTPUT_BYTES_PER_CLIENT: {
    schema: count.default(1_048_576),
    help: 'Bytes waiting for a client that reads slowly before messages of QoS 0 are left out',
  },
  QUEUED_BYTES: {
    schema: count.default(67_108_864),
    help: 'Payload bytes waiting for the acknowledgement of all clients before further messages to them are dropped',
  },
  RETAINED_BYTES: {
    schema: count.default(67_108_864),
    help: 'Bytes of retained messages of an open broker before further ones are not kept',
  },
  INFLIGHT_PER_CLIENT: {
    schema: count.default(100),
    help: 'Unacknowledged messages of one client before its socket is no longer read',
  },
  INFLIGHT_BYTES: {
    schema: count.default(67_108_864),
    help: 'Unacknowledged bytes (topics and payloads) of all clients before no socket is read',
  },
  APPEND_TIMEOUT_S: {
    schema: seconds.default(10),
    help: 'A message the reading log has not taken by then is never acknowledged: its connection is closed',
  },
  LOGIN_FAILURES_PER_DEVICE: {
    schema: count.default(5),
    help: 'Wrong logins a minute of one id from one address before their refusals are held back',
  },
  LOGIN_FAILURES_PER_ID: {
    schema: count.default(20),
    help: 'The same of one id from anywhere',
  },
  LOGIN_FAILURES_PER_ADDRESS: {
    schema: count.default(200),
    help: 'The same of all ids from one address; right passwords are let in at once all the same',
  },
  LOGIN_FAILURE_DELAY_S: {
    schema: seconds.default(10),
    help: 'How long a refusal is held back at most',
  },
  RECHECK_S: {
    schema: seconds.default(30),
    help: 'How often every open connection is checked against the registry; changes are acted on at once anyway',
  },
  RECONNECT_GRACE_S: {
    schema: seconds.default(90),
    help: 'Devices that lost their connection, or whose broker did, have this long to come back before they are missed',
  },
  INFLUX_BATCH_LINES: { schema: count.default(5000), help: 'Lines per write to InfluxDB at most' },
  COMMAND_HISTORY_DAYS: {
    schema: z.coerce.number().positive().default(7),
    help: 'Finished commands are kept so long',
  },
  COMMAND_HISTORY_COUNT: { schema: count.default(50_000), help: 'Finished commands kept at most' },
  COMMAND_AUDIT_COUNT: { schema: count.default(200_000), help: 'Entries of the command audit kept, about' },
  SIM_SPEED: {
    schema: number('a number above 0, at most 100000', (speed) => speed > 0 && speed <= 100_000).optional(),
    help: 'Simulated clock: pipeline seconds per wall second; unset: the wall clock',
  },
  SIM_ORIGIN: {
    schema: z.iso
      .datetime({ offset: true, error: 'must be a time with its zone, such as 2026-03-02T08:00:00+08:00' })
      .optional(),
    help: 'Simulated clock: pipeline time at the first start, e.g. 2026-03-02T08:00:00+08:00',
  },
} as const satisfies Record<string, SettingDefinition>;

export type SettingName = keyof typeof settingDefinitions;

const schema = z.object(
  Object.fromEntries(
    Object.entries(settingDefinitions).map(([name, { schema: check }]) => [name, check]),
  ) as {
    [Name in SettingName]: (typeof settingDefinitions)[Name]['schema'];
  },
);

/** All settings of one process: checked, with defaults, frozen. `DATA_DIR` is absolute. */
export type Settings = Readonly<z.infer<typeof schema>>;

/**
 * Reads the settings from environment variables, overridden by command-line flags. Variables that are
 * not settings are ignored; an empty one counts as unset.
 * @throws AppError `bad_setting` naming every setting that is wrong and why.
 */
export function parseSettings(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Partial<Record<SettingName, string>>> = {},
): Settings {
  const given: Record<string, string> = {};
  for (const name of Object.keys(settingDefinitions)) {
    const value = flags[name as SettingName] ?? env[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const result = schema.safeParse(given);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => {
      const name = String(issue.path[0]) as SettingName;
      return `${name}=${displayValue(name, given[name])} ${issue.message}`;
    });
    throw new AppError('bad_setting', `Wrong setting: ${problems.join('; ')}. See "campus config --help".`);
  }
  const settings = result.data;
  if (settings.SMTP_URL !== undefined && settings.MAIL_TO === undefined) {
    throw new AppError(
      'bad_setting',
      'SMTP_URL is set but MAIL_TO is not: say who receives the alarm mails.',
    );
  }
  if ((settings.MQTT_TLS_CERT === undefined) !== (settings.MQTT_TLS_KEY === undefined)) {
    const [set, unset] =
      settings.MQTT_TLS_KEY === undefined
        ? ['MQTT_TLS_CERT', 'MQTT_TLS_KEY']
        : ['MQTT_TLS_KEY', 'MQTT_TLS_CERT'];
    throw new AppError('bad_setting', `${set} is set but ${unset} is not: a certificate needs its key.`);
  }
  const ports = [settings.MQTT_PORT, settings.MQTT_TLS_PORT, settings.MQTT_WS_PORT, settings.MQTT_WSS_PORT];
  if (ports.every((number) => number === 0)) {
    throw new AppError(
      'bad_setting',
      'There is no MQTT listener: set MQTT_PORT, MQTT_TLS_PORT, MQTT_WS_PORT or MQTT_WSS_PORT to other than 0.',
    );
  }
  assertPortsDiffer(settings);
  if (settings.SIM_ORIGIN !== undefined && settings.SIM_SPEED === undefined) {
    throw new AppError(
      'bad_setting',
      'SIM_ORIGIN is set but SIM_SPEED is not: set both for a simulated clock.',
    );
  }
  return Object.freeze({ ...settings, DATA_DIR: resolve(settings.DATA_DIR) });
}

/** One address can't be listened on twice. @throws AppError `bad_setting` */
function assertPortsDiffer(settings: Settings): void {
  const secureHost = settings.MQTT_TLS_HOST ?? settings.MQTT_HOST;
  // Each broker process listens one port up from the last.
  const brokers = Array.from({ length: settings.BROKERS }, (_, i) => i);
  const mqtt = (name: 'MQTT_PORT' | 'MQTT_TLS_PORT' | 'MQTT_WS_PORT' | 'MQTT_WSS_PORT', host: string) =>
    settings[name] === 0 ? [] : brokers.map((i) => ({ name, host, port: settings[name] + i }));
  const wanted = [
    ...mqtt('MQTT_PORT', settings.MQTT_HOST),
    ...mqtt('MQTT_TLS_PORT', secureHost),
    ...mqtt('MQTT_WS_PORT', settings.MQTT_HOST),
    ...mqtt('MQTT_WSS_PORT', secureHost),
    { name: 'HTTP_PORT', host: settings.HTTP_HOST, port: settings.HTTP_PORT },
  ];
  for (const [i, one] of wanted.entries()) {
    const other = wanted
      .slice(i + 1)
      .find((later) => later.port === one.port && overlap(later.host, one.host));
    if (other === undefined) continue;
    throw new AppError(
      'bad_setting',
      settings.BROKERS > 1
        ? `${one.name} and ${other.name} both come to ${one.port} with ${settings.BROKERS} brokers, each one port up: set them further apart.`
        : `${one.name} and ${other.name} are both ${one.port}: set one to another port.`,
    );
  }
}

/** Whether the same port of both addresses is one port: a wildcard stands for every address. */
function overlap(a: string, b: string): boolean {
  const isWildcard = (host: string) => host === '0.0.0.0' || host === '::';
  const named = (host: string) => (host === 'localhost' ? '127.0.0.1' : host);
  return named(a) === named(b) || isWildcard(a) || isWildcard(b);
}

/** The environment that makes another process parse the same settings. */
export function settingsToEnv(settings: Settings): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) env[name] = value === true ? '1' : value === false ? '0' : String(value);
  }
  return env;
}

/** A setting's value as it may be shown: secrets and passwords in URLs are replaced by `***`. */
export function displayValue(name: SettingName, value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  const text = String(value);
  if (!('secret' in settingDefinitions[name])) return text;
  // "user:password", which InfluxDB 1.x takes for a token, parses as a URL, too: one without a host.
  if (!URL.canParse(text) || new URL(text).host === '') return '***';
  const parsed = new URL(text);
  if (parsed.password !== '') parsed.password = '***';
  return parsed.toString();
}
