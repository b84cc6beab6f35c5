import mqtt from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';

/** An MQTT client of a test's own that doesn't reconnect, with what it got and whether it is over. */
export interface TestClient {
  readonly mqtt: MqttClient;
  readonly heard: { readonly topic: string; readonly payload: string; readonly retain: boolean }[];
  readonly closed: boolean;
  /** The granted QoS, or 128. */
  subscribe(filter: string): Promise<number>;
}

/** Connects or rejects with the return code as `code`. */
export async function connectClient(
  port: number,
  login: { readonly clientId?: string; readonly username: string; readonly password: string },
  more: IClientOptions = {},
): Promise<TestClient> {
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${port}`,
    { ...login, reconnectPeriod: 0, ...more },
    false,
  );
  const heard: { topic: string; payload: string; retain: boolean }[] = [];
  let closed = false;
  client.on('error', () => undefined).on('close', () => (closed = true));
  client.on('message', (topic, payload, { retain }) => {
    heard.push({ topic, payload: payload.toString(), retain });
  });
  return {
    mqtt: client,
    heard,
    get closed() {
      return closed;
    },
    subscribe: async (filter) => {
      const [grant] = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
      return grant?.qos ?? 128;
    },
  };
}
