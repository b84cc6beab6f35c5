import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Credentials } from '../../../devices/credential.js';
import type { Contact } from '../../../devices/contact.js';
import { addAccount } from '../../../devices/redis-accounts.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { commitChanges } from '../../../devices/redis-registry-changes.js';
import { shardOf } from '../../../devices/site.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let brokers: { readonly port: number; readonly context: RoleContext }[];
const clients: MqttClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
});
beforeEach(async () => {
  await redis.flushall();
  brokers = [await start(), await start()];
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await Promise.all(brokers.map(({ context }) => context.lifeCycle.stop()));
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function start(): Promise<{ port: number; context: RoleContext }> {
  const port = await freePort();
  const context = createTestContext(
    { redisUrl: server.url },
    { MQTT_PORT: String(port), RECHECK_S: '1', RECONNECT_GRACE_S: '2', QUEUED_BYTES: '20000' },
  );
  await startBroker(context);
  return { port, context };
}

const issue = (device: string) => issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });

async function connect({ clientId, username, password }: Credentials, broker: number): Promise<MqttClient> {
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${brokers[broker]?.port}`,
    { clientId, username, password, reconnectPeriod: 0 },
    false,
  );
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

let accounts = 0;
/** An operator of `s1`, with what it hears of the one filter it may have. */
async function operator(
  broker: number,
): Promise<{ client: MqttClient; heard: string[]; closed: () => boolean }> {
  const name = `watch-${++accounts}`;
  const login = await addAccount(redis, { name, kind: 'operator', sites: ['s1'], districts: [] });
  const client = await connect({ ...login, clientId: name, topicPrefix: '' }, broker);
  const heard: string[] = [];
  let closed = false;
  client.on('message', (topic, payload, { retain }) => {
    heard.push(`${retain ? 'kept ' : ''}${topic.split('/').slice(4).join('/')} ${payload.toString()}`);
  });
  client.on('close', () => (closed = true));
  await client.subscribeAsync('campus/v1/s1/#', { qos: 1 });
  return { client, heard, closed: () => closed };
}

async function contactOf(device: string): Promise<Contact | undefined> {
  const json = await redis.hget(redisKeys.contacts, device);
  return json === null ? undefined : (JSON.parse(json) as Contact);
}

async function loggedPresence(device: string): Promise<boolean[]> {
  const entries = await new RedisLogReader(redis).readAfter(shardOf('s1', 4), '0-0', 10_000);
  return entries
    .flatMap(({ records }) => records)
    .flatMap((record) => (record.kind === 'presence' && record.client === device ? [record.online] : []));
}

const isConnected = (device: string) => async () => (await contactOf(device))?.connected === true;
const isGone = (device: string) => async () => (await contactOf(device))?.connected === false;

it('a device that connects to the other broker is taken over from the first, and is never gone', async () => {
  const device = await issue('d1');
  const first = await connect(device, 0);
  await eventually('it to be connected', isConnected('d1'));
  let closed = false;
  first.on('close', () => (closed = true));
  const second = await connect(device, 1);
  await eventually('the first connection to end', () => closed);
  await eventually('the newer connection on record', async () => {
    return ((await contactOf('d1'))?.connection ?? 0) === 2;
  });
  expect(second.connected).toBe(true);
  expect(await loggedPresence('d1')).toEqual([true, true]);
  await second.endAsync();
  await eventually('it to be gone', isGone('d1'));
  expect(await loggedPresence('d1')).toEqual([true, true, false]);
});

it('finds out by itself that a device is elsewhere when it was not told', async () => {
  const device = await issue('d2');
  const first = await connect(device, 0);
  await eventually('it to be connected', isConnected('d2'));
  let closed = false;
  first.on('close', () => (closed = true));
  // As a living broker's entry whose announcement got lost.
  await redis.hset(redisKeys.brokers, 'elsewhere', Date.now() + 60_000);
  await redis.hset(redisKeys.connections, 'd2', '99 elsewhere');
  await eventually('the connection to end', () => closed);
  expect((await contactOf('d2'))?.connected).toBe(true);
});

it('when a broker dies its devices have time to go to another one, and are gone if they do not', async () => {
  const [comes, stays] = [await issue('d3'), await issue('d4')];
  await connect(comes, 0);
  await connect(stays, 0);
  await eventually('both to be connected', async () => (await isConnected('d3')()) && isConnected('d4')());
  // What a killed broker leaves: its entries, and a pulse that has stopped.
  const [first] = brokers.splice(0, 1);
  await first?.context.lifeCycle.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await contactOf('d3'))?.connected).toBe(true);
  await connect(comes, 0);
  await eventually('the other to be gone', isGone('d4'));
  expect((await contactOf('d3'))?.connected).toBe(true);
  expect(await loggedPresence('d4')).toEqual([true, false]);
});

it('an operator hears its devices at whichever broker they are, each in order, and nobody else', async () => {
  const [moves, stays] = [await issue('d5'), await issue('d6')];
  const foreign = await issueCredentials(redis, { site: 's2', device: 'd7', deviceClass: 'sensor' });
  const [here, there] = [await operator(0), await operator(1)];
  const publish = (client: MqttClient, { topicPrefix }: Credentials, payload: string) =>
    client.publishAsync(`${topicPrefix}event`, payload, { qos: 1 });
  await publish(await connect(foreign, 1), foreign, 'not for you');
  const other = await connect(stays, 1);
  for (let i = 0; i < 60; i++) {
    // Between two brokers again and again.
    const client = await connect(moves, i % 2);
    await Promise.all([publish(client, moves, `${i}`), publish(other, stays, `${i}`)]);
  }
  const all = Array.from({ length: 60 }, (_, i) => i);
  for (const { heard } of [here, there]) {
    await eventually('all of both', () => heard.length >= 120);
    for (const device of ['d5', 'd6']) {
      expect(heard.filter((text) => text.startsWith(device))).toEqual(all.map((i) => `${device}/event ${i}`));
    }
    expect(heard).toHaveLength(120);
  }
});

it('what is retained is the same at every broker, newest first and last, and outlives them', async () => {
  const device = await issue('d8');
  const gone = await issue('d9');
  const client = await connect(device, 0);
  const state = (text: string) =>
    client.publishAsync(`${device.topicPrefix}state`, text, { qos: 1, retain: true });
  await state('old');
  await client.publishAsync(`${device.topicPrefix}meta`, 'm', { qos: 1, retain: true });
  await client.publishAsync(`${device.topicPrefix}telemetry`, 't', { qos: 1, retain: true });
  await (await connect(gone, 1)).publishAsync(`${gone.topicPrefix}meta`, 'g', { qos: 1, retain: true });
  await state('new');
  await commitChanges(redis, [{ kind: 'device', id: 'd9' }], (multi) => multi.hdel(redisKeys.devices, 'd9'));
  const sorted = ['kept d8/meta m', 'kept d8/state new'];
  for (const broker of [0, 1]) {
    const { heard } = await operator(broker);
    await eventually('both', () => heard.length >= 2);
    expect(heard.toSorted()).toEqual(sorted);
  }
  expect(await redis.hkeys(redisKeys.retained(shardOf('s1', 4)))).toHaveLength(2);
  await client.publishAsync(`${device.topicPrefix}meta`, '', { qos: 1, retain: true });
  await Promise.all(brokers.map(({ context }) => context.lifeCycle.stop()));
  brokers = [await start()];
  const { heard } = await operator(0);
  await eventually('what is left', () => heard.length > 0);
  expect(heard).toEqual(['kept d8/state new']);
});

it('an operator that does not acknowledge is closed, and the others hear on', async () => {
  const device = await issue('d10');
  const client = await connect(device, 0);
  const [first, second] = [await operator(1), await operator(0)];
  second.client.handleMessage = () => undefined;
  const large = 'x'.repeat(500);
  for (let i = 0; i < 200; i++) await client.publishAsync(`${device.topicPrefix}event`, large, { qos: 1 });
  await eventually('who does not acknowledge to be closed', async () => {
    const metric = await brokers[0]?.context.metrics.getSingleMetric('pc_mqtt_slow_clients_total')?.get();
    return metric?.values.some(({ labels, value }) => labels['what'] === 'connection' && value === 1);
  });
  await eventually('the other to hear all', () => first.heard.length === 200);
  expect(first.closed()).toBe(false);
});
