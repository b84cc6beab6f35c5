import { afterEach, describe, expect, it } from 'vitest';
import { createClock } from '../../../runtime/clock.js';
import type { Clock } from '../../../runtime/clock.js';
import { demoOrigin, playDemo } from '../../../simulators/demo.js';
import type { DemoEvent } from '../../../simulators/demo.js';
import { demoDevices } from '../../../simulators/demo/demo-city.js';
import { eventually } from '../../support/eventually.js';
import { startOpenBroker } from '../../support/open-broker.js';
import type { OpenBroker } from '../../support/open-broker.js';

interface Telemetry {
  readonly ts: number;
  readonly seq: number;
  readonly boot: string;
}

const origin = Date.parse(demoOrigin);
const startClock = (): Clock =>
  createClock({ kind: 'simulated', originAt: origin, anchorAt: Date.now(), speed: 600 });

let broker: OpenBroker | undefined;
let playing: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

afterEach(async () => {
  playing?.stop.abort();
  await playing?.ended.catch(() => undefined);
  playing = undefined;
  await broker?.close();
});

function play(clock: Clock, onEvent?: (event: DemoEvent) => void): Promise<void> {
  const stop = new AbortController();
  const ended = playDemo({
    mqttUrl: broker?.url ?? '',
    credentials: ({ site, device }) =>
      Promise.resolve({
        clientId: device,
        username: device,
        password: 'secret',
        topicPrefix: `campus/v1/${site}/sensor/${device}/`,
      }),
    clock,
    signal: stop.signal,
    onEvent,
  });
  // The tests await `ended` where they expect it to fail.
  ended.catch(() => undefined);
  playing = { stop, ended };
  return ended;
}

async function stopPlaying(): Promise<void> {
  playing?.stop.abort();
  await playing?.ended;
}

function heard(stream: string, device?: string): { readonly payload: string; readonly retain: boolean }[] {
  return (broker?.heard ?? []).filter(({ topic }) => topic.endsWith(`${device ?? ''}/${stream}`));
}

const telemetry = (device: string) =>
  heard('telemetry', device).map(({ payload }) => JSON.parse(payload) as Telemetry);

describe('playDemo', () => {
  it('announces every sensor and publishes a row a minute of the clock, never ahead of it', async () => {
    const clock = startClock();
    const ahead: Telemetry[] = [];
    broker = await startOpenBroker({
      acknowledges: ({ topic, payload }) => {
        const message = JSON.parse(payload) as Telemetry;
        if (topic.endsWith('/telemetry') && message.ts > clock.now()) ahead.push(message);
        return true;
      },
    });
    void play(clock);
    await eventually('five rows of each sensor', () =>
      demoDevices.every(({ device }) => telemetry(device).length >= 5),
    );
    await stopPlaying();
    expect(ahead).toEqual([]);
    for (const { device, phaseMs } of demoDevices) {
      const rows = telemetry(device);
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i));
      const first = rows[0]?.ts ?? 0;
      expect(rows.map(({ ts }) => ts)).toEqual(rows.map((_, i) => first + i * 60_000));
      expect((first - phaseMs) % 60_000).toBe(0);
      const states = heard('state', device);
      expect(states.map(({ payload }) => (JSON.parse(payload) as { s: string }).s)).toEqual([
        'online',
        'sleeping',
      ]);
      expect([...states, ...heard('meta', device)].every(({ retain }) => retain)).toBe(true);
      expect(heard('meta', device).map(({ payload }) => JSON.parse(payload) as unknown)).toEqual([
        { model: 'demo-classroom-sensor', firmware: '1.0.0', interval_s: 60 },
      ]);
    }
  });

  it('goes on at the present time with a new boot id after a restart, repeating no row', async () => {
    const clock = startClock();
    broker = await startOpenBroker();
    const device = demoDevices[0]?.device ?? '';
    void play(clock);
    await eventually('some rows', () => telemetry(device).length >= 2);
    await stopPlaying();
    const before = telemetry(device);
    void play(clock);
    await eventually('more rows', () => telemetry(device).length >= before.length + 2);
    await stopPlaying();
    const after = telemetry(device).slice(before.length);
    expect(after[0]?.seq).toBe(0);
    expect(after[0]?.boot).not.toBe(before[0]?.boot);
    expect(after[0]?.ts).toBeGreaterThan(before.at(-1)?.ts ?? Infinity);
  });

  it('waits for its broker, and survives its restart without losing a row', async () => {
    broker = await startOpenBroker();
    await broker.close();
    let online = 0;
    void play(startClock(), (event) => (online = event.online));
    await broker.reopen();
    await eventually('all are connected', () => online === demoDevices.length);
    await eventually('the first rows', () => demoDevices.every(({ device }) => telemetry(device).length > 0));
    await broker.close();
    await eventually('all are disconnected', () => online === 0);
    await broker.reopen();
    await eventually('all are connected again', () => online === demoDevices.length);
    const soFar = telemetry(demoDevices[0]?.device ?? '').length;
    await eventually('fresh rows', () => telemetry(demoDevices[0]?.device ?? '').length > soFar + 2);
    await stopPlaying();
    for (const { device } of demoDevices) {
      const seqs = new Set(telemetry(device).map(({ seq }) => seq));
      expect([...seqs]).toEqual(Array.from({ length: seqs.size }, (_, i) => i));
    }
  });

  it('ends with a sentence when a sensor is turned away', async () => {
    broker = await startOpenBroker({ accepts: (client) => client !== demoDevices[3]?.device });
    await expect(play(startClock())).rejects.toThrow(`does not let device "${demoDevices[3]?.device}" in`);
  });

  it('ends quietly when it is stopped before there is a broker', async () => {
    broker = await startOpenBroker();
    await broker.close();
    void play(startClock());
    await stopPlaying();
    await broker.reopen();
    expect(broker.heard).toEqual([]);
  });
});
