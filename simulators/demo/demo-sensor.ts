import { randomBytes } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import type { Credentials } from '../../devices/credential.js';
import type { AppError } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import { obeyCommands } from '../device-commands.js';
import type { CommandOutcome } from '../device-commands.js';
import { connectDevice, disconnectDevice } from '../device-connection.js';
import type { DemoDevice } from './demo-city.js';
import type { SourceRows } from './source-rows.js';
import { measuringTimes } from './source-time.js';

export interface DemoSensorOptions {
  readonly mqttUrl: string;
  readonly device: DemoDevice;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly rows: SourceRows;
  readonly signal: AbortSignal;
  readonly onConnection: (device: string, online: boolean) => void;
  readonly onRefused: (error: AppError) => void;
}

/** A device without storage can keep so many unsent readings; then it measures no more until it is heard. */
const bufferedReadings = 1000;

/** One classroom sensor of the demo: announces itself, then publishes the recorded rows as time comes to them. */
export class DemoSensor {
  readonly #client: MqttClient;
  readonly #options: DemoSensorOptions;
  #boot = newBoot();
  #seq = 0;
  #unacknowledged = 0;

  private constructor(client: MqttClient, options: DemoSensorOptions) {
    this.#client = client;
    this.#options = options;
    this.#announce();
    client.on('connect', () => this.#announce());
    client.on('offline', () => options.onConnection(options.device.device, false));
    const { credentials, clock } = options;
    obeyCommands({ client, credentials, clock, act: (action) => this.#act(action) });
  }

  /** Connects, waiting for the broker as long as it takes. @throws AppError `wrong_password`; the signal's reason */
  static async connect(options: DemoSensorOptions): Promise<DemoSensor> {
    const { mqttUrl, credentials, clock, signal, onRefused } = options;
    const will = {
      topic: `${credentials.topicPrefix}state`,
      payload: JSON.stringify({ s: 'offline', ts: clock.now() }),
    };
    const client = await connectDevice({ mqttUrl, credentials, will, patient: true, signal, onRefused });
    return new DemoSensor(client, options);
  }

  /** Publishes what is measured after `from` and not after `to`, pipeline time. */
  publishBetween(from: number, to: number): void {
    for (const ts of measuringTimes(from, to, this.#options.device.phaseMs)) {
      if (this.#unacknowledged >= bufferedReadings) return;
      this.#report(ts);
    }
  }

  /** Says that it sleeps and disconnects, so that its Will does not fire. */
  async stop(): Promise<void> {
    if (this.#client.connected)
      this.#publish('state', { s: 'sleeping', ts: this.#options.clock.now() }, true);
    await disconnectDevice(this.#client, 1500);
  }

  #report(ts: number): void {
    const { device, rows } = this.#options;
    const m = rows.rowAt(ts, device.offsetMinutes);
    this.#publish('telemetry', { ts, seq: this.#seq++, boot: this.#boot, m }, false);
  }

  #act(action: string): CommandOutcome {
    switch (action) {
      case 'report':
        return { ok: true, afterwards: () => this.#report(this.#options.clock.now()) };
      case 'reboot':
        return { ok: true, afterwards: () => ([this.#boot, this.#seq] = [newBoot(), 0]) };
      case 'identify':
        return { ok: true, result: 'blinking' };
      default:
        return { ok: false, result: `a demo sensor can't ${action}` };
    }
  }

  /** At each connect, because the Will may have said otherwise meanwhile. */
  #announce(): void {
    const { clock, device, onConnection } = this.#options;
    this.#publish('state', { s: 'online', ts: clock.now() }, true);
    this.#publish('meta', { model: 'demo-classroom-sensor', firmware: '1.0.0', interval_s: 60 }, true);
    onConnection(device.device, true);
  }

  #publish(stream: 'telemetry' | 'state' | 'meta', message: object, retain: boolean): void {
    const topic = `${this.#options.credentials.topicPrefix}${stream}`;
    this.#unacknowledged += 1;
    // Called once: when acknowledged, or when the connection is given up for good.
    this.#client.publish(
      topic,
      JSON.stringify(message),
      { qos: 1, retain },
      () => (this.#unacknowledged -= 1),
    );
  }
}

function newBoot(): string {
  return randomBytes(6).toString('base64url');
}
