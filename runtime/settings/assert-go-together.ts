import { AppError } from '../app-error.js';

type MqttPort = 'MQTT_PORT' | 'MQTT_TLS_PORT' | 'MQTT_WS_PORT' | 'MQTT_WSS_PORT';

/** What listens where. */
type Listeners = Readonly<Record<MqttPort | 'HTTP_PORT' | 'BROKERS', number>> & {
  readonly MQTT_HOST: string;
  readonly MQTT_TLS_HOST?: string | undefined;
  readonly HTTP_HOST: string;
};

/** The settings of which one says nothing without another. */
interface Dependent {
  readonly SMTP_URL?: string | undefined;
  readonly MAIL_TO?: string | undefined;
  readonly MQTT_TLS_CERT?: string | undefined;
  readonly MQTT_TLS_KEY?: string | undefined;
  readonly SIM_SPEED?: number | undefined;
  readonly SIM_ORIGIN?: string | undefined;
  readonly RULES_DIR?: string | undefined;
  readonly RULES_CATALOGUE: boolean;
}

/**
 * Checks what no setting shows by itself.
 * @throws AppError `bad_setting` when one needs another, or two want the same port
 */
export function assertGoTogether(settings: Listeners & Dependent): void {
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
  if (!settings.RULES_CATALOGUE && settings.RULES_DIR === undefined) {
    throw new AppError(
      'bad_setting',
      'RULES_CATALOGUE is 0 but RULES_DIR is not set: name the folder of your own rules.',
    );
  }
  if (settings.SIM_ORIGIN !== undefined && settings.SIM_SPEED === undefined) {
    throw new AppError(
      'bad_setting',
      'SIM_ORIGIN is set but SIM_SPEED is not: set both for a simulated clock.',
    );
  }
}

/** One address can't be listened on twice. @throws AppError `bad_setting` */
function assertPortsDiffer(settings: Listeners): void {
  const secureHost = settings.MQTT_TLS_HOST ?? settings.MQTT_HOST;
  // Each broker process listens one port up from the last.
  const brokers = Array.from({ length: settings.BROKERS }, (_, i) => i);
  const mqtt = (name: MqttPort, host: string) =>
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
