import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { addAccount } from '../../../devices/redis-accounts.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { RawClient } from '../../support/raw-client.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let context: RoleContext;
let port: number;
let wsPort: number;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  [port, wsPort] = [await freePort(), await freePort()];
  context = createTestContext(
    { redisUrl: server.url },
    {
      MQTT_PORT: String(port),
      MQTT_WS_PORT: String(wsPort),
      MQTT_MAX_RATE: '50',
      MQTT_MAX_BYTES_PER_S: '50000',
      MQTT_BURST_S: '1',
      MQTT_MAX_KEEP_ALIVE_S: '1',
    },
  );
  await startBroker(context);
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

const issue = (device: string) => issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });

async function limited(reason: string): Promise<number> {
  const metric = await context.metrics.getSingleMetric('pc_mqtt_limited_total')?.get();
  return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}

/** Publishes all at once and tells how long it was until all were acknowledged. */
async function publishMs(client: MqttClient, topic: string, payloads: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(payloads.map((payload) => client.publishAsync(topic, payload, { qos: 1 })));
  return performance.now() - startedAt;
}

test('a client over its rate is read no faster, loses nothing, and gains nothing by connecting anew', async () => {
  const { clientId, username, password, topicPrefix } = await issue('fast');
  const options = { clientId, username, password, reconnectPeriod: 0 };
  const topic = `${topicPrefix}telemetry`;
  const first = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false);
  expect(await publishMs(first, topic, Array<string>(100).fill('{}'))).toBeGreaterThan(900);
  const held = await limited('rate');
  expect(held).toBeGreaterThan(0);
  await first.endAsync(true);
  const second = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false);
  expect(await publishMs(second, topic, Array<string>(100).fill('{}'))).toBeGreaterThan(900);
  await second.endAsync(true);
});

test('all clients of an account share its rate, whatever ids they give themselves', async () => {
  const login = await addAccount(redis, { name: 'crowd', kind: 'bridge', sites: ['s1'], districts: [] });
  const { username, password } = login;
  const clients = await Promise.all(
    ['a', 'b', 'c', 'd'].map((clientId) =>
      mqtt.connectAsync(
        `mqtt://127.0.0.1:${port}`,
        { clientId, username, password, reconnectPeriod: 0 },
        false,
      ),
    ),
  );
  const held = await limited('rate');
  const publishes = clients.map((client, i) =>
    publishMs(client, `campus/v1/s1/sensor/crowd-${i}/telemetry`, Array<string>(50).fill('{}')),
  );
  // 200 messages at 50 a second, of which 50 may come at once.
  expect(Math.max(...(await Promise.all(publishes)))).toBeGreaterThan(2500);
  expect(await limited('rate')).toBeGreaterThan(held);
  await Promise.all(clients.map((client) => client.endAsync(true)));
});

test('so is one whose bytes are over the rate', async () => {
  const { clientId, username, password, topicPrefix } = await issue('large');
  const options = { clientId, username, password, reconnectPeriod: 0 };
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options, false);
  const payloads = Array<string>(10).fill('x'.repeat(10_000));
  expect(await publishMs(client, `${topicPrefix}telemetry`, payloads)).toBeGreaterThan(700);
  await client.endAsync(true);
});

test('a flood of pings comes at the rate of the client, and every one is answered', async () => {
  const { clientId, username, password } = await issue('pinging');
  const client = await RawClient.connect(port, { clientId, username, password: Buffer.from(password) });
  const held = await limited('rate');
  client.send(Buffer.alloc(300, Buffer.from([0xc0, 0])));
  await eventually('the flood to be held', async () => (await limited('rate')) > held);
  for (let i = 0; i < 150; i++) await client.next('pingresp');
  expect(client.isClosed).toBe(false);
  client.destroy();
});

test('a client without keep-alive, or with a very long one, is closed when it is silent for longer than the limit', async () => {
  const before = await limited('keep_alive');
  for (const keepalive of [0, 65_535]) {
    const { clientId, username, password } = await issue(`quiet-${keepalive}`);
    const socket = connectSocket(port, '127.0.0.1');
    socket.write(
      generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        clientId,
        username,
        password: Buffer.from(password),
        keepalive,
      }),
    );
    const [connack] = (await once(socket, 'data')) as [Buffer];
    expect(connack[3]).toBe(0);
    await once(socket, 'close');
  }
  expect(await limited('keep_alive')).toBe(before + 2);
});

test('over WebSocket a frame that is larger than any CONNECT is not gathered before one was read', async () => {
  const before = [await limited('websocket'), await limited('connect_timeout')];
  const socket = connectSocket(wsPort, '127.0.0.1').on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(
    [
      'GET /mqtt HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: mqtt',
      '\r\n',
    ].join('\r\n'),
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('101 Switching Protocols');
  // The beginning of a binary frame of 1 MiB.
  socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]));
  socket.write(Buffer.alloc(50_000));
  await closed;
  expect([await limited('websocket'), await limited('connect_timeout')]).toEqual([
    (before[0] ?? 0) + 1,
    before[1],
  ]);
});

test('half a million filters in one packet hold up nobody: the packet is refused', async () => {
  const { clientId, username, password } = await issue('greedy');
  const credentials = { clientId, username, password: Buffer.from(password), keepalive: 0 };
  const client = await RawClient.connect(port, credentials);
  const subscription = { topic: 'a', qos: 0 } as const;
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: Array.from({ length: 1000 }, () => subscription),
  });
  expect(await client.next('suback')).toMatchObject({ messageId: 1 });
  client.send({
    cmd: 'subscribe',
    messageId: 2,
    subscriptions: Array.from({ length: 1001 }, () => subscription),
  });
  await client.closed();
  const violations = await context.metrics.getSingleMetric('pc_mqtt_violations_total')?.get();
  expect(violations?.values).toContainEqual({ labels: { reason: 'too_many_filters' }, value: 1 });
});
