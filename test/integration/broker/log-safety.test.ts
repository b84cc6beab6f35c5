import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { startIngest } from '../../../ingest/app.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import type { RoleContext } from '../../../runtime/role.js';
import type { SettingName } from '../../../runtime/settings.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
let port: number;
const contexts: RoleContext[] = [];

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
});
beforeEach(async () => {
  await redis.config('SET', 'appendfsync', 'always');
  await redis.flushall();
  port = await freePort();
});
afterEach(async () => {
  for (const context of contexts.splice(0).reverse()) await context.lifeCycle.stop();
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
});

async function start(
  role: (context: RoleContext) => Promise<unknown>,
  settings: Partial<Record<SettingName, string>> = {},
): Promise<void> {
  const context = createTestContext(
    { redisUrl: redisServer.url, influxUrl: influxServer.url },
    { MQTT_PORT: String(port), ...settings },
  );
  await role(context);
  contexts.push(context);
}

async function connect(device: string): Promise<{ client: mqtt.MqttClient; topic: string }> {
  const { clientId, username, password, topicPrefix } = await issueCredentials(redis, {
    site: 's1',
    device,
    deviceClass: 'sensor',
  });
  // A device tries again, also when it was told that nobody is let in now.
  const options = { clientId, username, password, reconnectOnConnackError: true };
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
  client.on('error', () => undefined);
  return { client, topic: `${topicPrefix}telemetry` };
}

it('refuses a Redis that may lose what it acknowledged, unless that is allowed', async () => {
  await redis.config('SET', 'appendfsync', 'everysec');
  await expect(start(startBroker)).rejects.toThrow(/may lose readings/);
  await start(startBroker, { ALLOW_VOLATILE_REDIS: '1' });
});

it('takes no more readings when a new connection finds a Redis that may lose them', async () => {
  await start(startBroker);
  const { client, topic } = await connect('d1');
  await client.publishAsync(topic, '{}', { qos: 1 });
  await redis.config('SET', 'appendfsync', 'everysec');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await eventually('the broker to say so', async () =>
    (await readRoleReports(redis)).some(({ trouble }) => trouble?.includes('may lose readings')),
  );
  let acknowledged = false;
  client.publish(topic, '{}', { qos: 1 }, (error) => (acknowledged = !error));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(acknowledged).toBe(false);
  await redis.config('SET', 'appendfsync', 'always');
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await eventually('the PUBACK', () => acknowledged);
  await client.endAsync(true);
});

it('lets nobody in when Redis has hardly any room left, and takes no Wills', async () => {
  await start(startBroker);
  const credentials = await issueCredentials(redis, { site: 's1', device: 'last', deviceClass: 'sensor' });
  const { clientId, username, password, topicPrefix } = credentials;
  const topic = `${topicPrefix}state`;
  const will = { topic, payload: Buffer.from('{"s":"offline","ts":1}'), qos: 1 as const, retain: true };
  const options = { clientId, username, password, reconnectPeriod: 0, will };
  const connectOnce = () => mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false);
  const first = await connectOnce();
  first.on('error', () => undefined);
  // Beside it, what Redis needs for its buffers makes no difference.
  await redis.setrange('ballast', 32 * 1_048_576, 'x');
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', Math.round(used / 0.97));
  try {
    await eventually('the broker to say so', async () =>
      (await readRoleReports(redis)).some(({ trouble }) => trouble?.includes('of its memory')),
    );
    first.stream.destroy();
    await expect(connectOnce()).rejects.toMatchObject({ code: 3 });
  } finally {
    await redis.config('SET', 'maxmemory', 0);
  }
  const second = await eventually('it to be let in', () => connectOnce());
  await second.endAsync();
  const logged = await redis.keys('*log*');
  const frames = await Promise.all(
    logged.map(async (key) =>
      (await redis.type(key)) === 'stream' ? redis.xrangeBuffer(key, '-', '+') : [],
    ),
  );
  const bytes = Buffer.concat(frames.flat().map(([, fields]) => fields[1] ?? Buffer.alloc(0)));
  expect(bytes.includes('"offline"')).toBe(false);
});

it('stops reading before Redis is full, so that the log can be emptied when InfluxDB is back', async () => {
  await influxServer.kill();
  await start(startIngest, { INFLUX_BUCKET: 'full' });
  await start(startBroker);
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', used + 12 * 1_048_576);
  const { client, topic } = await connect('d1');
  const startAt = Date.now() - 600_000;
  let sent = 0;
  let acknowledged = 0;
  let trouble = '';
  const asking = setInterval(() => {
    void readRoleReports(redis).then((reports) => {
      trouble = reports.find(({ role }) => role === 'broker')?.trouble ?? '';
    });
  }, 250);
  const fill = () => {
    for (; sent - acknowledged < 200 && sent < 100_000; sent++) {
      // A backlog of a hundred readings, so that the log fills soon.
      const readings = Array.from({ length: 100 }, (_, i) => ({
        ts: startAt + sent * 100 + i,
        seq: sent * 100 + i,
        boot: 'b',
        m: { co2_ppm: 600 },
      }));
      client.publish(topic, JSON.stringify(readings), { qos: 1 }, (error) => {
        if (!error) acknowledged++;
      });
    }
  };
  try {
    await eventually(
      'the broker to stop reading',
      () => {
        if (trouble === '') fill();
        return trouble !== '';
      },
      60_000,
    );
    expect(trouble).toMatch(/of its memory .* InfluxDB is away/);
    const held = acknowledged;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(acknowledged).toBeLessThanOrEqual(held + 200);
    expect(acknowledged).toBeLessThan(sent);

    await influxServer.restart();
    await eventually('all PUBACKs', () => acknowledged === sent, 120_000);
    await eventually('the broker to be well again', () => trouble === '');
    const ledger = await eventually('everything to be settled', async () => {
      const now = await readLedger(redis);
      return now.pending === 0 && now.written + now.duplicates >= sent * 100 && now;
    });
    expect(ledger).toMatchObject({ written: sent * 100, quarantined: 0, gaps: 0 });
  } finally {
    clearInterval(asking);
    await client.endAsync(true);
    await redis.config('SET', 'maxmemory', 0);
  }
}, 300_000);
