import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import type { Credentials } from '../../devices/credential.js';

/** A device that reports twice a second as long as it is to, and comes back after whatever ends its connection. */
export class ReportingDevice {
  readonly #client: MqttClient;
  readonly #timer: NodeJS.Timeout;
  readonly #prefix: string;
  reporting = true;

  /** @param ports of brokers to try in turn */
  constructor({ clientId, username, password, topicPrefix }: Credentials, ports: readonly number[]) {
    this.#prefix = topicPrefix;
    this.#client = mqtt.connect({
      servers: ports.map((port) => ({ host: '127.0.0.1', port, protocol: 'mqtt' as const })),
      clientId,
      username,
      password,
      reconnectPeriod: 200,
      // While Redis stalls nobody can be let in, and is told so.
      reconnectOnConnackError: true,
      keepalive: 2,
      will: { topic: `${topicPrefix}state`, payload: stateOf('offline'), qos: 1, retain: true },
    });
    this.#client.on('error', () => undefined);
    this.#client.on('connect', () => {
      this.#client.publish(`${topicPrefix}meta`, '{"interval_s":1}', { qos: 1, retain: true });
    });
    this.#timer = setInterval(() => {
      if (this.reporting && this.#client.connected)
        this.#client.publish(
          `${topicPrefix}telemetry`,
          JSON.stringify({ ts: Date.now(), m: { temp_c: 21 } }),
          { qos: 1 },
        );
    }, 500);
  }

  /** Says that it sleeps, and leaves. */
  async sleep(): Promise<void> {
    this.reporting = false;
    await this.#client.publishAsync(`${this.#prefix}state`, stateOf('sleeping'), { qos: 1, retain: true });
    await this.#client.endAsync();
  }

  /** Its power is cut. */
  cut(): void {
    this.reporting = false;
    this.#client.options.reconnectPeriod = 0;
    this.#client.stream.destroy();
  }

  /** Its power is back. */
  restore(): void {
    this.reporting = true;
    this.#client.options.reconnectPeriod = 200;
    this.#client.reconnect();
  }

  remove(): void {
    clearInterval(this.#timer);
    this.#client.end(true);
  }
}

function stateOf(s: string): Buffer {
  return Buffer.from(JSON.stringify({ s, ts: Date.now() }));
}
