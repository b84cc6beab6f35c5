import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { withRedis } from '../../../cli/redis-session.js';
import { readRunRecord, isRunning } from '../../../cli/supervisor/run-record.js';
import type { ProcessRecord } from '../../../cli/supervisor/run-record.js';
import { startPipeline } from '../../../cli/supervisor/start-pipeline.js';
import type { Pipeline } from '../../../cli/supervisor/start-pipeline.js';
import { silentSteps } from '../../../cli/terminal/steps.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { parseSettings } from '../../../runtime/settings.js';
import type { SettingName } from '../../../runtime/settings.js';
import { startTestRedis } from '../../support/stores.js';

let folder: string;
const running: Pipeline[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-up-'));
});
afterEach(async () => {
  for (const pipeline of running.splice(0)) await pipeline.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The supervisor with its databases, on ports of its own; the roles have tests of their own. */
async function start(given: Partial<Record<SettingName, string>> = {}): Promise<Pipeline> {
  const settings = parseSettings({
    DATA_DIR: join(folder, 'var'),
    MQTT_PORT: String(await freePort()),
    HTTP_PORT: String(await freePort()),
    LOG_LEVEL: 'silent',
    ...given,
  });
  const pipeline = await startPipeline(settings, {
    steps: silentSteps,
    signal: new AbortController().signal,
    roles: [],
  });
  running.push(pipeline);
  return pipeline;
}

function processOf(pipeline: Pipeline, role: string): ProcessRecord {
  const found = pipeline.processes.find((process) => process.role === role);
  if (found === undefined) throw new Error(`no ${role}`);
  return found;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

describe('a pipeline started by the supervisor', () => {
  it('has a private Redis that keeps what it acknowledged, even over kill -9, on the same address', async () => {
    const pipeline = await start();
    const url = pipeline.settings.REDIS_URL;
    const config = await withRedis(url, async (redis) => [
      await redis.config('GET', 'appendfsync'),
      await redis.config('GET', 'appendonly'),
      await redis.config('GET', 'maxmemory-policy'),
    ]);
    expect(config).toEqual([
      ['appendfsync', 'always'],
      ['appendonly', 'yes'],
      ['maxmemory-policy', 'noeviction'],
    ]);
    await withRedis(url, (redis) => redis.set('kept', 'yes'));
    const before = processOf(pipeline, 'redis');
    process.kill(before.pid, 'SIGKILL');
    await until(() => processOf(pipeline, 'redis').pid !== before.pid);
    expect(processOf(pipeline, 'redis').restarts).toBe(1);
    expect(await withRedis(url, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('tells of its processes in the data folder and in Redis', async () => {
    const pipeline = await start();
    const record = readRunRecord(pipeline.settings.DATA_DIR);
    expect(record?.processes.map(({ role }) => role)).toEqual(['redis', 'influxdb']);
    expect(record?.redis).toBe(pipeline.settings.REDIS_URL);
    expect(record?.influx?.url).toBe(pipeline.settings.INFLUX_URL);
    await withRedis(pipeline.settings.REDIS_URL, async (redis) => {
      await until(async () => (await redis.hlen(redisKeys.processes)) === 2);
      const json = (await redis.hget(redisKeys.processes, 'influxdb')) ?? '';
      expect(JSON.parse(json)).toMatchObject({ role: 'influxdb', restarts: 0 });
    });
  });

  it('leaves nothing running, and goes on with its data on the same addresses at the next start', async () => {
    const first = await start();
    const { REDIS_URL } = first.settings;
    await withRedis(REDIS_URL, (redis) => redis.set('kept', 'yes'));
    const processes = first.processes;
    await first.stop();
    expect(processes.filter(isRunning)).toEqual([]);
    expect(readRunRecord(first.settings.DATA_DIR)).toBeUndefined();
    const second = await start();
    expect(second.settings.REDIS_URL).toBe(REDIS_URL);
    expect(await withRedis(REDIS_URL, (redis) => redis.get('kept'))).toBe('yes');
  });

  it('runs beside another one, and only one on each folder', async () => {
    const first = await start();
    const second = await start({ DATA_DIR: join(folder, 'second') });
    expect(second.settings.REDIS_URL).not.toBe(first.settings.REDIS_URL);
    await expect(start()).rejects.toThrow(/already runs on/);
    // The refusal has not disturbed the first.
    expect(await withRedis(first.settings.REDIS_URL, (redis) => redis.ping())).toBe('PONG');
  });

  it('takes other ports for its databases when theirs were taken meanwhile', async () => {
    const first = await start();
    const { REDIS_URL } = first.settings;
    await first.stop();
    const other = createServer().listen(Number(new URL(REDIS_URL).port), '127.0.0.1');
    const second = await start();
    expect(second.settings.REDIS_URL).not.toBe(REDIS_URL);
    await new Promise((resolve) => other.close(resolve));
  });

  it.each(['MQTT', 'HTTP'] as const)(
    'names the port and the setting when the %s port is taken',
    async (what) => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as { port: number };
      await expect(start({ [`${what}_PORT`]: String(port) })).rejects.toThrow(
        `Port ${port} on 127.0.0.1 is taken by another program: choose another one with --${what.toLowerCase()}-port or ${what}_PORT.`,
      );
      // Everything is given back: with the port free, the same folder starts.
      await new Promise((resolve) => other.close(resolve));
      await start({ [`${what}_PORT`]: String(port) });
    },
  );

  it('says in one sentence that the data folder can not be written', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(start({ DATA_DIR: join(folder, 'file') })).rejects.toThrow(
      /^The data folder .* can't be written/,
    );
  });

  it('keeps simulated and real data apart', async () => {
    const simulated = await start({ SIM_SPEED: '60', SIM_ORIGIN: '2026-03-02T08:00:00+08:00' });
    expect(simulated.clock.spec.kind).toBe('simulated');
    await simulated.stop();
    await expect(start()).rejects.toThrow(/used with the simulated clock/);
  });

  it('gives up its start when asked to stop, leaving nothing', async () => {
    const stop = new AbortController();
    const steps = {
      ...silentSteps,
      run: (title: string, work: (say: () => void) => Promise<never>) => {
        if (title === 'InfluxDB') stop.abort();
        return work(() => undefined);
      },
    };
    const DATA_DIR = join(folder, 'var');
    const settings = parseSettings({
      DATA_DIR,
      MQTT_PORT: String(await freePort()),
      HTTP_PORT: String(await freePort()),
    });
    await expect(startPipeline(settings, { steps, signal: stop.signal, roles: [] })).rejects.toThrow(
      'aborted',
    );
    expect(readRunRecord(DATA_DIR)).toBeUndefined();
    await start();
  });
});

describe('a Redis that was given', () => {
  it('is refused with the settings to change when it may lose readings, unless that is allowed', async () => {
    const redis = await startTestRedis();
    try {
      await withRedis(redis.url, (connection) => connection.config('SET', 'appendfsync', 'everysec'));
      const given = { REDIS_URL: redis.url };
      await expect(start(given)).rejects.toThrow(
        /may lose readings.*set appendfsync always .*ALLOW_VOLATILE_REDIS=1/,
      );
      const pipeline = await start({ ...given, ALLOW_VOLATILE_REDIS: '1' });
      expect(pipeline.processes.map(({ role }) => role)).toEqual(['influxdb']);
    } finally {
      await redis.stop();
    }
  });

  it('is used when it is durable, and left running at the end', async () => {
    const redis = await startTestRedis();
    try {
      const pipeline = await start({ REDIS_URL: redis.url });
      await pipeline.stop();
      expect(await withRedis(redis.url, (connection) => connection.ping())).toBe('PONG');
    } finally {
      await redis.stop();
    }
  });

  it('is named without its password when it can not be reached', async () => {
    const port = await freePort();
    const failure = start({ REDIS_URL: `redis://user:hidden@127.0.0.1:${port}` });
    await expect(failure).rejects.toThrow(
      new RegExp(`Redis at redis://user:\\*\\*\\*@127.0.0.1:${port} can't be reached`),
    );
  });
});
