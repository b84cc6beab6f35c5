import type { SettingName, Settings } from './settings.js';

/** What MQTT is carried by. */
export type MqttTransport = 'tcp' | 'tls' | 'ws' | 'wss';

/** Where the broker listens, and which settings say so. */
export interface MqttAddress {
  readonly transport: MqttTransport;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly hostSetting: SettingName;
  readonly portSetting: SettingName;
}

/** The path that WebSocket clients ask for. */
export const webSocketPath = '/mqtt';

/** Every address one broker process listens on, plain TCP first; a port of 0 is switched off. */
export function mqttAddresses(settings: Settings): readonly MqttAddress[] {
  const plain = { host: settings.MQTT_HOST, hostSetting: 'MQTT_HOST' } as const;
  const secure =
    settings.MQTT_TLS_HOST === undefined
      ? plain
      : ({ host: settings.MQTT_TLS_HOST, hostSetting: 'MQTT_TLS_HOST' } as const);
  const all = [
    { transport: 'tcp', scheme: 'mqtt', path: '', portSetting: 'MQTT_PORT', ...plain },
    { transport: 'tls', scheme: 'mqtts', path: '', portSetting: 'MQTT_TLS_PORT', ...secure },
    { transport: 'ws', scheme: 'ws', path: webSocketPath, portSetting: 'MQTT_WS_PORT', ...plain },
    { transport: 'wss', scheme: 'wss', path: webSocketPath, portSetting: 'MQTT_WSS_PORT', ...secure },
  ] as const;
  return all
    .map(({ scheme, path, ...address }) => {
      const port = settings[address.portSetting];
      return { ...address, port, url: `${scheme}://${bracketed(address.host)}:${port}${path}` };
    })
    .filter(({ port }) => port !== 0);
}

/** Every address of all the broker processes that run on this machine. */
export function allMqttAddresses(settings: Settings): readonly MqttAddress[] {
  return Array.from({ length: settings.BROKERS }, (_, i) =>
    mqttAddresses(brokerSettings(settings, i)),
  ).flat();
}

/** The settings of the `i`-th broker process, from 0: each listens on ports of its own, one up from the last. */
export function brokerSettings(settings: Settings, i: number): Settings {
  const shifted = (port: number) => (port === 0 ? 0 : port + i);
  return {
    ...settings,
    BROKERS: 1,
    MQTT_PORT: shifted(settings.MQTT_PORT),
    MQTT_TLS_PORT: shifted(settings.MQTT_TLS_PORT),
    MQTT_WS_PORT: shifted(settings.MQTT_WS_PORT),
    MQTT_WSS_PORT: shifted(settings.MQTT_WSS_PORT),
  };
}

/** Where plain MQTT is listened for: what our own clients on this machine use. */
export function plainAddress(
  addresses: readonly MqttAddress[],
): { readonly host: string; readonly port: number } | null {
  const plain = addresses.find(({ transport }) => transport === 'tcp');
  return plain === undefined ? null : { host: plain.host, port: plain.port };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
