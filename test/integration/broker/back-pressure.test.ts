import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { publishPacket, RawClient } from '../../support/raw-client.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

// A Redis that does not answer: what was sent to the broker waits, and so does the broker.
let server: TestServer;
let context: RoleContext;
let port: number;
const clients: RawClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  port = await freePort();
  const settings = { MQTT_PORT: String(port), INFLIGHT_PER_CLIENT: '2', APPEND_TIMEOUT_S: '60' };
  context = createTestContext({ redisUrl: server.url }, settings);
  await startBroker(context);
});
afterEach(() => {
  process.kill(server.pid, 'SIGCONT');
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(async () => {
  await context.lifeCycle.stop();
  await server.stop();
});

const pauseRedis = () => process.kill(server.pid, 'SIGSTOP');
const resumeRedis = () => process.kill(server.pid, 'SIGCONT');

async function connect(device: string, keepalive: number) {
  const redis = new Redis(server.url);
  const credentials = await issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });
  redis.disconnect();
  const { clientId, username, topicPrefix } = credentials;
  const password = Buffer.from(credentials.password);
  const client = await RawClient.connect(port, { clientId, username, password, keepalive });
  clients.push(client);
  return { client, topic: `${topicPrefix}telemetry` };
}

async function metric(name: string, reason?: string): Promise<number> {
  const found = await context.metrics.getSingleMetric(name)?.get();
  return found?.values.find(({ labels }) => reason === undefined || labels['reason'] === reason)?.value ?? 0;
}

test('a client that we do not read is not taken for dead, and that it is held is counted', async () => {
  const { client, topic } = await connect('held', 1);
  const before = await metric('pc_mqtt_limited_total', 'in_flight');
  pauseRedis();
  client.send(...[1, 2, 3, 4].map((messageId) => publishPacket(topic, '{}', { qos: 1, messageId })));
  await eventually('it to be held', async () => (await metric('pc_mqtt_held_sockets')) === 1);
  expect(await metric('pc_mqtt_limited_total', 'in_flight')).toBe(before + 1);
  // Twice as long as it may be silent; its pings wait in the kernel.
  for (let i = 0; i < 6; i++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    client.send({ cmd: 'pingreq' });
  }
  expect(client.isClosed).toBe(false);
  resumeRedis();
  for (let id = 1; id <= 4; id++) expect(await client.next('puback')).toMatchObject({ messageId: id });
  for (let i = 0; i < 6; i++) await client.next('pingresp');
  // Silence that is its own still counts.
  await client.closed();
});

test('a ping is answered when what was sent before it is on disk', async () => {
  const { client, topic } = await connect('pinging', 30);
  pauseRedis();
  client.send(publishPacket(topic, '{}'), { cmd: 'pingreq' });
  await eventually('the message to be taken', async () => (await metric('pc_mqtt_inflight_bytes')) > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(client.received).toEqual([]);
  resumeRedis();
  await client.next('pingresp');
  expect(await metric('pc_mqtt_inflight_bytes')).toBe(0);
});
