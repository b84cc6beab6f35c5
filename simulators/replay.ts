import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '../devices/credential.js';
import type { Clock } from '../runtime/clock.js';
import { connectDevice, disconnectDevice } from './device-connection.js';
import type { Recording } from './recording/recording.js';
import { scheduleReplay } from './replay-schedule.js';
import { WindowedPublisher } from './windowed-publisher.js';

export interface ReplayOptions {
  readonly recording: Recording;
  /** `mqtt://host:port` */
  readonly mqttUrl: string;
  /** Of the device that the recording is sent as. */
  readonly credentials: Credentials;
  /** Recorded seconds per pipeline second, > 0; `max` sends as fast as the broker acknowledges. */
  readonly speed: number | 'max';
  /** Sends the recorded times instead of moving them to now. @defaultValue false */
  readonly keepTime?: boolean | undefined;
  readonly clock: Clock;
  /** From which age on the pipeline stores a reading without judging it, ms. */
  readonly latenessMs: number;
  /** Called about ten times a second and once at the end. */
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined;
  /** Stops sending; what was sent is still waited for, for some seconds. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayProgress {
  readonly sent: number;
  readonly acknowledged: number;
  readonly total: number;
}

export interface ReplayResult {
  readonly sent: number;
  readonly acknowledged: number;
  /** How many of those sent were so old by then that they can raise no alarm. */
  readonly late: number;
  /** Wall seconds from the first message to the last acknowledgement. */
  readonly seconds: number;
  /** Acknowledged messages per second. */
  readonly rate: number;
}

const patienceAfterAbortMs = 5000;

/**
 * Publishes a recording as one device over MQTT QoS 1, in order. A broker that goes away is waited for,
 * and what it had not acknowledged is sent again with the same `boot` and `seq`.
 * @throws AppError `bad_row`, `nothing_to_send`, `wrong_password`, `broker_unreachable`
 */
export async function replayRecording(options: ReplayOptions): Promise<ReplayResult> {
  const { recording, mqttUrl, credentials, signal, onProgress } = options;
  const client = await connectDevice({
    mqttUrl,
    credentials,
    signal,
    onRefused: (error) => publisher.stop(error),
  });
  const publisher = new WindowedPublisher(client, `${credentials.topicPrefix}telemetry`);
  const report = () => {
    onProgress?.({ sent: publisher.sent, acknowledged: publisher.acknowledged, total: recording.rows });
  };
  const reporting = setInterval(report, 100);
  const startedAt = performance.now();
  let late: number;
  try {
    late = await sendAll(recording, publisher, options);
  } finally {
    clearInterval(reporting);
    await disconnectDevice(client, 1000);
  }
  report();
  const seconds = (performance.now() - startedAt) / 1000;
  const { sent, acknowledged } = publisher;
  return { sent, acknowledged, late, seconds, rate: acknowledged / Math.max(seconds, 0.001) };
}

/** @returns how many were late when they were sent */
async function sendAll(
  recording: Recording,
  publisher: WindowedPublisher,
  options: ReplayOptions,
): Promise<number> {
  const { clock, latenessMs, speed, keepTime = false, signal } = options;
  const schedule = scheduleReplay({ ...recording, startAt: clock.now(), speed, keepTime });
  const boot = randomBytes(6).toString('base64url');
  const aborted = new Error('stopped');
  let late = 0;
  let patience: NodeJS.Timeout | undefined;
  const onAbort = () => {
    patience = setTimeout(() => publisher.stop(aborted), patienceAfterAbortMs);
  };
  signal?.addEventListener('abort', onAbort);
  try {
    for await (const { at, m, parts } of recording.read()) {
      await waitUntil(schedule.sendAt(at), clock, signal);
      if (signal?.aborted === true) break;
      const ts = schedule.eventAt(at);
      // A part that is not there leaves no trace in JSON.
      await publisher.publish(JSON.stringify({ ts, seq: publisher.sent, boot, m, parts }));
      if (clock.now() - ts > latenessMs) late += 1;
    }
    await publisher.drained();
  } catch (error) {
    if (error !== aborted) throw error;
  } finally {
    clearTimeout(patience);
    signal?.removeEventListener('abort', onAbort);
  }
  return late;
}

/** Waits until the pipeline's clock has come to `at`, never less; returns at once when aborted. */
async function waitUntil(at: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    const waitMs = clock.wallMs(at - clock.now());
    if (waitMs <= 0 || signal?.aborted === true) return;
    // Rounded up, and again if need be: timers fire early as well as late. No timer takes more than 24 days.
    await sleep(Math.min(Math.ceil(waitMs), 60_000), undefined, signal ? { signal } : {}).catch(
      () => undefined,
    );
  }
}
