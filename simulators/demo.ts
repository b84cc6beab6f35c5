import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials } from '../devices/credential.js';
import type { Clock } from '../runtime/clock.js';
import { demoDevices } from './demo/demo-city.js';
import type { DemoDevice } from './demo/demo-city.js';
import { DemoSensor } from './demo/demo-sensor.js';
import { loadSourceRows } from './demo/source-rows.js';

/** `SIM_ORIGIN` of the demo: a Monday afternoon on which the first minute shows alarms come and go. */
export const demoOrigin = '2026-03-02T15:55:00+08:00';

/** `SIM_SPEED` of the demo: pipeline seconds per wall second. */
export const demoSpeed = 120;

/** A device's connection came or went; `online` of `devices` are there now. */
export interface DemoEvent {
  readonly kind: 'connected' | 'disconnected';
  readonly device: string;
  readonly online: number;
  readonly devices: number;
}

export interface DemoOptions {
  /** `mqtt://host:port` */
  readonly mqttUrl: string;
  /** Registers a device of the demo and gives its credentials; called for each of them at each start. */
  readonly credentials: (
    device: Pick<DemoDevice, 'site' | 'device' | 'room' | 'district'>,
  ) => Promise<Credentials>;
  readonly clock: Clock;
  /** Ends the demo. */
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: DemoEvent) => void) | undefined;
}

const tickMs = 100;

/** After a longer stall (a laptop that slept) the demo goes on at the present: nothing is sent later than this. */
const latestWallMs = 2000;

/**
 * Plays the shipped recording as the classroom sensors of a few demo campuses, on the pipeline's clock, until
 * the signal is aborted; then says goodbye for each device and resolves.
 * @throws AppError `wrong_password` when the broker turns a device away; what `credentials` throws
 */
export async function playDemo(options: DemoOptions): Promise<void> {
  const { mqttUrl, clock, signal } = options;
  const rows = await loadSourceRows();
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  // Each device that is connecting listens; Node takes more than ten for a leak.
  setMaxListeners(demoDevices.length + 10, ended);
  const onConnection = countConnections(options.onEvent);
  const sensors: DemoSensor[] = [];
  try {
    const connecting = demoDevices.map(async (device) => {
      const credentials = await options.credentials(device);
      const onRefused = (error: Error) => failed.abort(error);
      sensors.push(
        await DemoSensor.connect({
          mqttUrl,
          device,
          credentials,
          clock,
          rows,
          signal: ended,
          onConnection,
          onRefused,
        }),
      );
    });
    for (const each of connecting) each.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(connecting);
    ended.throwIfAborted();
    await play(sensors, clock, ended);
  } catch (error) {
    if (!signal.aborted) throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await Promise.all(sensors.map((sensor) => sensor.stop()));
  }
}

async function play(sensors: readonly DemoSensor[], clock: Clock, signal: AbortSignal): Promise<void> {
  const latestMs = latestWallMs / clock.wallMs(1);
  // Strictly after now: what came before may have been sent by a demo that ran until now.
  let playedUntil = clock.now();
  for (;;) {
    await sleep(tickMs, undefined, { signal });
    const now = clock.now();
    const from = Math.max(playedUntil, now - latestMs);
    for (const sensor of sensors) sensor.publishBetween(from, now);
    playedUntil = Math.max(playedUntil, now);
  }
}

function countConnections(onEvent: DemoOptions['onEvent']): (device: string, online: boolean) => void {
  const online = new Set<string>();
  return (device, isOnline) => {
    if (isOnline) online.add(device);
    else online.delete(device);
    onEvent?.({
      kind: isOnline ? 'connected' : 'disconnected',
      device,
      online: online.size,
      devices: demoDevices.length,
    });
  };
}
