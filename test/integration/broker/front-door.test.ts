import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectSocket } from 'node:net';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { generate, parser } from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Contact } from '../../../devices/contact.js';
import type { Credentials } from '../../../devices/credential.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { shardOf } from '../../../devices/site.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let context: RoleContext;
let port: number;
const clients: MqttClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  port = await freePort();
  context = createTestContext(
    { redisUrl: server.url },
    {
      MQTT_PORT: String(port),
      APPEND_TIMEOUT_S: '3',
      INFLIGHT_PER_CLIENT: '50',
      MAX_PAYLOAD_BYTES: '100000',
    },
  );
  await startBroker(context);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

const issue = (device: string, site = 's1') =>
  issueCredentials(redis, { site, device, deviceClass: 'sensor' });

async function connect(credentials: Credentials, more: mqtt.IClientOptions = {}): Promise<MqttClient> {
  const { clientId, username, password } = credentials;
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${port}`,
    { clientId, username, password, reconnectPeriod: 0, ...more },
    false,
  );
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

async function logged(site = 's1'): Promise<MessageRecord[]> {
  const entries = await new RedisLogReader(redis).readAfter(shardOf(site, 4), '0-0', 10_000);
  return entries.flatMap(({ records }) => records).filter((record) => record.kind === 'message');
}

test('when a publish is acknowledged its bytes are in the log', async () => {
  const credentials = await issue('d1');
  const client = await connect(credentials);
  await client.publishAsync(`${credentials.topicPrefix}telemetry`, '{"ts":1}', { qos: 1 });
  const [last] = (await logged()).slice(-1);
  expect(last).toMatchObject({
    client: 'd1',
    topic: 'campus/v1/s1/sensor/d1/telemetry',
    payload: Buffer.from('{"ts":1}'),
  });
});

test('PUBACKs come in the order of the PUBLISHes, however many are sent at once', async () => {
  const credentials = await issue('d2');
  const socket = connectSocket(port, '127.0.0.1');
  const acks: number[] = [];
  const reader = parser();
  reader.on('packet', (packet: Packet) => {
    if (packet.cmd === 'puback' && packet.messageId !== undefined) acks.push(packet.messageId);
  });
  socket.on('data', (chunk) => reader.parse(chunk));
  const { clientId, username, password, topicPrefix } = credentials;
  socket.write(
    generate({
      cmd: 'connect',
      clientId,
      username,
      password: Buffer.from(password),
      clean: true,
      keepalive: 30,
      protocolId: 'MQTT',
      protocolVersion: 4,
    }),
  );
  await sleep(200);
  const sent = Array.from({ length: 3000 }, (_, i) => i + 1);
  socket.write(
    Buffer.concat(
      sent.map((messageId) =>
        generate({
          cmd: 'publish',
          topic: `${topicPrefix}telemetry`,
          payload: String(messageId),
          qos: 1,
          messageId,
          dup: false,
          retain: false,
        }),
      ),
    ),
  );
  await eventually('3000 PUBACKs', () => acks.length === 3000);
  expect(acks).toEqual(sent);
  const payloads = (await logged())
    .filter(({ client }) => client === 'd2')
    .map(({ payload }) => Number(payload.toString()));
  expect(payloads).toEqual(sent);
  socket.destroy();
});

test('who does not know the secret, or takes another name, is refused with the right return code', async () => {
  const credentials = await issue('d3');
  await expect(connect({ ...credentials, password: 'wrong' })).rejects.toMatchObject({ code: 4 });
  await expect(connect({ ...credentials, username: 'nobody' })).rejects.toMatchObject({ code: 4 });
  await expect(connect({ ...credentials, clientId: 'd1' })).rejects.toMatchObject({ code: 5 });
});

test('a message under another device’s topic is acknowledged, marked, and delivered to nobody', async () => {
  const mine = await issue('d4');
  const other = await issue('d5');
  const client = await connect(mine);
  await client.publishAsync(`${other.topicPrefix}telemetry`, 'spoof', { qos: 1, retain: true });
  await client.publishAsync('anything/else', 'x', { qos: 1 });
  const marked = (await logged()).filter((record) => record.client === 'd4');
  expect(marked).toMatchObject([
    { foreignTopic: true, topic: `${other.topicPrefix}telemetry` },
    { foreignTopic: true, topic: 'anything/else' },
  ]);
});

test('a device may subscribe to its own commands and to nothing else', async () => {
  const mine = await issue('d6');
  const client = await connect(mine);
  const granted = async (topic: string) => {
    const [grant] = await client.subscribeAsync(topic, { qos: 1 }).catch(() => [{ qos: 128 }]);
    return grant?.qos;
  };
  expect(await granted(`${mine.topicPrefix}cmd`)).toBe(1);
  for (const topic of [
    '#',
    `${mine.topicPrefix}#`,
    'campus/v1/s1/sensor/d1/cmd',
    '$SYS/#',
    '+/+',
    '$share/g/x',
  ]) {
    expect(await granted(topic)).toBe(128);
  }
});

test('a payload over the limit is acknowledged and kept with its first bytes and its size', async () => {
  const credentials = await issue('d7');
  const client = await connect(credentials);
  await client.publishAsync(`${credentials.topicPrefix}telemetry`, 'x'.repeat(1_000_000), { qos: 1 });
  const [kept] = (await logged()).filter(({ client: id }) => id === 'd7');
  expect(kept).toMatchObject({ cutFrom: 1_000_000 });
  expect(kept?.payload.length).toBe(4096);
});

test('it is known of a device whether it is connected and when it was last seen, pings included', async () => {
  const credentials = await issue('d8');
  const client = await connect(credentials, { keepalive: 1 });
  const contact = async () =>
    JSON.parse((await redis.hget(redisKeys.contacts, 'd8')) ?? 'null') as Contact | null;
  const first = await eventually('a connection', async () => {
    const known = await contact();
    return known?.connected === true && known;
  });
  const seen = await eventually('a ping', async () => {
    const known = await contact();
    return known !== null && known.lastSeenAt > first.lastSeenAt && known;
  });
  expect(seen).toMatchObject({ connected: true, since: first.since, connection: first.connection });
  await client.endAsync(true);
  await eventually('its end', async () => (await contact())?.connected === false);
});

test('a Will goes into the log when its connection breaks, and not on a DISCONNECT', async () => {
  const credentials = await issue('d9');
  const will = {
    topic: `${credentials.topicPrefix}state`,
    payload: Buffer.from('{"s":"offline","ts":1}'),
    qos: 1 as const,
    retain: true,
  };
  const polite = await connect(credentials, { will });
  await polite.endAsync();
  const abrupt = await connect(credentials, { will });
  abrupt.stream.destroy();
  await eventually('the Will', async () => (await logged()).some(({ client }) => client === 'd9'));
  await sleep(200);
  expect((await logged()).filter(({ client }) => client === 'd9')).toHaveLength(1);
});

test('while Redis is stopped nothing is acknowledged, what is held stays bounded, and all is well after', async () => {
  const credentials = await issue('d10');
  const client = await connect(credentials);
  let acknowledged = 0;
  process.kill(server.pid, 'SIGSTOP');
  try {
    const payload = 'x'.repeat(2000);
    for (let i = 0; i < 4000; i++) {
      client.publish(`${credentials.topicPrefix}telemetry`, payload, { qos: 1 }, (error) => {
        if (!error) acknowledged++;
      });
    }
    const held = async () =>
      (await context.metrics.getSingleMetric('pc_mqtt_inflight_bytes')?.get())?.values[0]?.value ?? 0;
    await eventually('messages to be held', async () => (await held()) > 0);
    await sleep(300);
    expect(acknowledged).toBe(0);
    const bytes = await held();
    // 50 messages, and at most one more chunk of 16 KiB that was read at once.
    expect(bytes).toBeLessThan(50 * 2000 + 2 * 16_384);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await eventually('all PUBACKs', () => acknowledged === 4000);
});

test('when Redis does not come back in time the connection is closed instead of acknowledged', async () => {
  const credentials = await issue('d11');
  const client = await connect(credentials);
  let acknowledged = false;
  let closed = false;
  client.on('close', () => (closed = true));
  process.kill(server.pid, 'SIGSTOP');
  try {
    client.publish(`${credentials.topicPrefix}telemetry`, 'x', { qos: 1 }, (error) => {
      if (!error) acknowledged = true;
    });
    await eventually('the connection to be closed', () => closed);
    expect(acknowledged).toBe(false);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await eventually(
    'connections to be taken again',
    async () => (await connect(await issue('d12'))).connected,
  );
});

test('a killed and restarted Redis has every acknowledged message', async () => {
  const credentials = await issue('d13');
  const client = await connect(credentials, { reconnectPeriod: 100 });
  const acknowledged = new Set<number>();
  for (let i = 0; i < 5000; i++) {
    client.publish(`${credentials.topicPrefix}telemetry`, String(i), { qos: 1 }, (error) => {
      if (!error) acknowledged.add(i);
    });
  }
  await eventually('some PUBACKs', () => acknowledged.size > 500);
  await server.kill();
  await server.restart();
  await eventually('all PUBACKs', () => acknowledged.size === 5000);
  const inLog = new Set(
    (await logged())
      .filter(({ client: id }) => id === 'd13')
      .map(({ payload }) => Number(payload.toString())),
  );
  expect([...acknowledged].filter((i) => !inLog.has(i))).toEqual([]);
});
