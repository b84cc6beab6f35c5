import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { expect, test } from 'vitest';
import { registerDevice } from '../../devices/redis-registry.js';
import { shardOf } from '../../devices/site.js';
import { RedisLogReader } from '../../ingest/log/redis-log-reader.js';
import { projectRoot } from '../../runtime/project-root.js';
import { eventually } from '../support/eventually.js';
import { startMosquitto } from '../support/mosquitto.js';
import { startTestRedis } from '../support/stores.js';

const messages = 3000;

test('a bridge that is killed again and again under load loses nothing that the other broker has let go of', async () => {
  const [redisServer, upstream] = await Promise.all([startTestRedis(), startMosquitto()]);
  const folder = await mkdtemp(join(tmpdir(), 'campus-bridge-'));
  const redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  const file = join(folder, 'bridges.yaml');
  await writeFile(
    file,
    `- { name: k, url: "${upstream.url}", subscriptions: [{ profile: campus, site: s1, class: sensor }] }\n`,
  );
  await registerDevice(redis, { site: 's1', device: 'd1', deviceClass: 'sensor' });
  const start = (): ChildProcess =>
    spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'bridge'], {
      env: {
        PATH: process.env['PATH'],
        DATA_DIR: folder,
        REDIS_URL: redisServer.url,
        INFLUX_URL: 'http://127.0.0.1:1',
        BRIDGES_FILE: file,
      },
      stdio: 'ignore',
    });
  const seqs = async () => {
    const entries = await new RedisLogReader(redis).readAfter(shardOf('s1', 4), '0-0', 1_000_000);
    return entries
      .flatMap(({ records }) => records)
      .flatMap((record) => (record.kind === 'message' ? [record.payload] : []))
      .map((payload) => (JSON.parse(payload.toString()) as { seq: number }).seq);
  };
  let bridge = start();
  try {
    const client = await mqtt.connectAsync(upstream.url);
    await eventually('the session there', async () => (await redis.hlen('pc:bridge:filters')) === 1);
    const publish = async () => {
      for (let seq = 0; seq < messages; seq++) {
        const payload = JSON.stringify({ ts: Date.now(), seq, boot: 'b', m: { co2_ppm: 600 } });
        await client.publishAsync('campus/v1/s1/sensor/d1/telemetry', payload, { qos: 1 });
      }
    };
    const published = publish();
    for (const share of [0.1, 0.3, 0.6]) {
      await eventually(
        'some to be there',
        async () => new Set(await seqs()).size >= messages * share,
        60_000,
      );
      const ended = once(bridge, 'exit');
      bridge.kill('SIGKILL');
      await ended;
      bridge = start();
    }
    await published;
    await client.endAsync();
    await eventually('all to be there', async () => new Set(await seqs()).size === messages, 60_000);
    const firsts = [...new Set(await seqs())];
    expect(firsts).toEqual(Array.from({ length: messages }, (_, i) => i));
  } finally {
    bridge.kill('SIGKILL');
    redis.disconnect();
    await Promise.all([redisServer.stop(), upstream.stop(), rm(folder, { recursive: true, force: true })]);
  }
}, 180_000);
