import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { createClock } from '../../../runtime/clock.js';
import { openRecording } from '../../../simulators/recording/recording.js';
import { replayRecording } from '../../../simulators/replay.js';
import type { ReplayOptions } from '../../../simulators/replay.js';
import { eventually } from '../../support/eventually.js';
import { startOpenBroker } from '../../support/open-broker.js';
import type { OpenBroker } from '../../support/open-broker.js';

const credentials = {
  clientId: 'd1',
  username: 'd1',
  password: 'secret',
  topicPrefix: 'campus/v1/s1/sensor/d1/',
};
const clock = createClock({ kind: 'wall' });
const recordedAt = 1_700_000_000_000;

interface Sent {
  readonly ts: number;
  readonly seq: number;
  readonly boot: string;
  readonly m: { readonly co2_ppm: number };
}

let folder: string;
let broker: OpenBroker | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-replay-'));
});
afterEach(async () => {
  await broker?.close();
  broker = undefined;
  await rm(folder, { recursive: true });
});

/** A recording with a row every second whose CO2 counts up from 0. */
async function recordingOf(rows: number): Promise<string> {
  const file = join(folder, 'recording.ndjson');
  const lines = Array.from(
    { length: rows },
    (_, i) => `{"ts":${recordedAt + i * 1000},"m":{"co2_ppm":${i}}}`,
  );
  await writeFile(file, lines.join('\n'));
  return file;
}

async function replay(rows: number, options: Partial<ReplayOptions> = {}) {
  return replayRecording({
    recording: await openRecording(await recordingOf(rows)),
    mqttUrl: broker?.url ?? '',
    credentials,
    speed: 'max',
    clock,
    latenessMs: 900_000,
    ...options,
  });
}

function readings(): Sent[] {
  return (broker?.heard ?? []).map(({ payload }) => JSON.parse(payload) as Sent);
}

describe('replayRecording', () => {
  it('publishes every row once and in order, with one boot id and seq from 0', async () => {
    broker = await startOpenBroker();
    const progress: number[] = [];
    const result = await replay(3000, { onProgress: ({ acknowledged }) => progress.push(acknowledged) });
    // A row a second: all but those of the last 15 minutes are late when all are sent at once.
    expect(result).toMatchObject({ sent: 3000, acknowledged: 3000 });
    expect(result.late).toBeGreaterThanOrEqual(2099);
    expect(result.late).toBeLessThan(2400);
    expect(readings().map(({ seq, m }) => [seq, m.co2_ppm])).toEqual(
      Array.from({ length: 3000 }, (_, i) => [i, i]),
    );
    expect(new Set(readings().map(({ boot }) => boot)).size).toBe(1);
    expect(
      broker.heard.every(({ topic, retain }) => topic === 'campus/v1/s1/sensor/d1/telemetry' && !retain),
    ).toBe(true);
    expect(progress.at(-1)).toBe(3000);
  });

  it('moves the latest row to now and keeps the distances', async () => {
    broker = await startOpenBroker();
    const before = Date.now();
    await replay(100);
    const times = readings().map(({ ts }) => ts);
    const latest = times.at(-1) ?? 0;
    expect(latest).toBeGreaterThanOrEqual(before);
    expect(latest).toBeLessThanOrEqual(Date.now());
    expect(times.map((ts) => latest - ts)).toEqual(Array.from({ length: 100 }, (_, i) => (99 - i) * 1000));
  });

  it('sends the recorded times when asked to keep them', async () => {
    broker = await startOpenBroker();
    await replay(3, { keepTime: true });
    expect(readings().map(({ ts }) => ts - recordedAt)).toEqual([0, 1000, 2000]);
  });

  it('plays at the speed asked for, on a simulated clock too, and never ahead of it', async () => {
    const ahead: number[] = [];
    const simulated = createClock({
      kind: 'simulated',
      originAt: recordedAt * 2,
      anchorAt: Date.now(),
      speed: 100,
    });
    broker = await startOpenBroker({
      acknowledges: ({ payload }) => {
        const { ts } = JSON.parse(payload) as Sent;
        if (ts > simulated.now()) ahead.push(ts);
        return true;
      },
    });
    const result = await replay(61, { speed: 2, clock: simulated });
    expect(ahead).toEqual([]);
    // 60 recorded seconds are 30 of the pipeline and 0.3 of ours.
    expect(result.seconds).toBeGreaterThanOrEqual(0.3);
  });

  it('sends again, with the same seq, what a broker that went away had not acknowledged', async () => {
    let swallowing = true;
    broker = await startOpenBroker({
      acknowledges: ({ payload }) => !swallowing || (JSON.parse(payload) as Sent).seq < 4000,
    });
    let unacknowledged = 0;
    const replaying = replay(6000, {
      onProgress: ({ sent, acknowledged }) => (unacknowledged = sent - acknowledged),
    });
    await eventually('a full window of messages without PUBACK', () => {
      return unacknowledged === 1000 && readings().length === 4000;
    });
    await broker.close();
    swallowing = false;
    await broker.reopen();
    expect(await replaying).toMatchObject({ sent: 6000, acknowledged: 6000 });
    expect(readings().map(({ seq }) => seq)).toEqual(Array.from({ length: 6000 }, (_, i) => i));
  });

  it('stops when told to and counts what was acknowledged', async () => {
    broker = await startOpenBroker();
    const stopping = new AbortController();
    const replaying = replay(1000, { speed: 1, signal: stopping.signal });
    await eventually('the first row', () => readings().length > 0);
    stopping.abort();
    const { sent, acknowledged } = await replaying;
    expect(sent).toBeLessThan(1000);
    expect(acknowledged).toBe(sent);
    expect(readings()).toHaveLength(sent);
  });

  it('says in a sentence that the password is wrong', async () => {
    broker = await startOpenBroker({ accepts: () => false });
    await expect(replay(1)).rejects.toThrow(
      `The broker at ${broker.url} does not let device "d1" in: its password is wrong or was issued anew.`,
    );
  });

  it('says so when the password stops being right on the way', async () => {
    let welcome = true;
    broker = await startOpenBroker({ accepts: () => welcome });
    const replaying = replay(1000, { speed: 1 });
    const outcome = expect(replaying).rejects.toThrow('does not let device "d1" in');
    await eventually('the first row', () => readings().length > 0);
    welcome = false;
    await broker.close();
    await broker.reopen();
    await outcome;
  });

  it('says in a sentence that there is no broker', async () => {
    const mqttUrl = `mqtt://127.0.0.1:${await freePort()}`;
    await expect(replay(1, { mqttUrl })).rejects.toThrow(`No MQTT broker can be reached at ${mqttUrl}`);
  });
});
