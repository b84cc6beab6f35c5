import mqtt from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { Credentials } from '../devices/credential.js';
import { AppError, messageOf } from '../runtime/app-error.js';

export interface DeviceConnectionOptions {
  /** `mqtt://host:port` */
  readonly mqttUrl: string;
  readonly credentials: Credentials;
  readonly will?: { readonly topic: string; readonly payload: string } | undefined;
  /** Whether a broker that is not there yet is waited for. @defaultValue false */
  readonly patient?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The broker turned the device away after it had been connected; no further try is made. */
  readonly onRefused: (error: AppError) => void;
}

const connectTimeoutMs = 10_000;

// CONNACK return codes of MQTT 3.1.1, table 3.1: all others may pass.
const finalRefusals: ReadonlySet<unknown> = new Set([4, 5]);

/**
 * Connects as the device. From then on the connection is made again whenever it is lost, and what was not
 * acknowledged is sent again in order.
 * @throws AppError `wrong_password`, `broker_unreachable` (retryable); the signal's reason when it is aborted
 */
export async function connectDevice(options: DeviceConnectionOptions): Promise<MqttClient> {
  const { mqttUrl, credentials, will, patient = false, signal } = options;
  signal?.throwIfAborted();
  const client = open(mqttUrl, {
    clientId: credentials.clientId,
    username: credentials.username,
    password: credentials.password,
    clean: true,
    keepalive: 60,
    connectTimeout: connectTimeoutMs,
    reconnectPeriod: 500,
    // Who subscribes does so at each connect.
    resubscribe: false,
    // Code 3 says that the broker can't ask its registry just now.
    reconnectOnConnackError: true,
    ...(will === undefined
      ? {}
      : { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
  });
  const explain = (error: Error & { code?: unknown }) =>
    finalRefusals.has(error.code)
      ? new AppError(
          'wrong_password',
          `The broker at ${mqttUrl} does not let device "${credentials.clientId}" in: its password is wrong or was issued anew.`,
        )
      : unreachable(mqttUrl, error);
  try {
    await firstConnect(client, { explain, patient, signal });
  } catch (error) {
    client.end(true);
    throw error;
  }
  // Losing the connection is the library's business; only a final refusal is ours.
  client.on('error', (error) => {
    const explained = explain(error);
    if (explained.retryable) return;
    client.end(true);
    options.onRefused(explained);
  });
  return client;
}

/**
 * Says goodbye, so that no Will fires, after what is under way was acknowledged or `withinMs` have passed.
 */
export async function disconnectDevice(client: MqttClient, withinMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      // The first `end` waits for acknowledgements for ever; take its wait away.
      client.emit('outgoingEmpty');
      setTimeout(() => {
        client.stream.destroy();
        resolve();
      }, 100);
    }, withinMs);
    client.end(false, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function firstConnect(
  client: MqttClient,
  options: {
    readonly explain: (error: Error) => AppError;
    readonly patient: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { explain, patient, signal } = options;
  return new Promise((resolve, reject) => {
    let lastError = new Error('it does not answer');
    const onError = (error: Error & { code?: unknown }) => {
      lastError = error;
      const explained = explain(error);
      const mayPass = explained.retryable && (patient || error.code === 3);
      if (!mayPass) settle(() => reject(explained));
    };
    const onConnect = () => settle(resolve);
    const onAbort = () => settle(() => reject(signal?.reason as Error));
    const timer = patient
      ? undefined
      : setTimeout(() => settle(() => reject(explain(lastError))), connectTimeoutMs + 1000);
    const settle = (how: () => void) => {
      clearTimeout(timer);
      client.off('connect', onConnect).off('error', onError);
      // An 'error' that nobody hears would end the process.
      client.on('error', () => undefined);
      signal?.removeEventListener('abort', onAbort);
      how();
    };
    client.on('connect', onConnect).on('error', onError);
    signal?.addEventListener('abort', onAbort);
  });
}

function open(mqttUrl: string, options: IClientOptions): MqttClient {
  try {
    return mqtt.connect(mqttUrl, options);
  } catch (error) {
    throw unreachable(mqttUrl, error);
  }
}

function unreachable(mqttUrl: string, error: unknown): AppError {
  return new AppError(
    'broker_unreachable',
    `No MQTT broker can be reached at ${mqttUrl} (${messageOf(error) || 'connection refused'}): is the pipeline running?`,
    { retryable: true, cause: error },
  );
}
