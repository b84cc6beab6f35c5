import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Credentials } from '../../../devices/credential.js';
import { addAccount, revokeAccount, rotateAccount } from '../../../devices/redis-accounts.js';
import { issueClaimToken } from '../../../devices/redis-claims.js';
import { issueCredentials, revokeCredentials } from '../../../devices/redis-credentials.js';
import { commitChanges } from '../../../devices/redis-registry-changes.js';
import { shardOf } from '../../../devices/site.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { connectClient } from '../../support/broker-client.js';
import type { TestClient } from '../../support/broker-client.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let context: RoleContext;
let port: number;
let d1: Credentials;
let d2: Credentials;
const clients: TestClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  port = await freePort();
  context = createTestContext({ redisUrl: server.url }, { MQTT_PORT: String(port) });
  await startBroker(context);
  const issue = (site: string, device: string, district: 'chancheng' | 'nanhai') =>
    issueCredentials(redis, { site, device, deviceClass: 'sensor', district });
  d1 = await issue('s1', 'd1', 'chancheng');
  d2 = await issue('s2', 'd2', 'nanhai');
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.mqtt.endAsync(true)));
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

let accounts = 0;
const add = (kind: 'operator' | 'bridge', sites: string[], districts: string[] = []) =>
  addAccount(redis, { name: `account-${++accounts}`, kind, sites, districts });

async function connect(login: {
  clientId?: string;
  username: string;
  password: string;
}): Promise<TestClient> {
  const client = await connectClient(port, login);
  clients.push(client);
  return client;
}

const publish = (client: TestClient, topic: string, payload: string, retain = false) =>
  client.mqtt.publishAsync(topic, payload, { qos: 1, retain });

async function logged(site = 's1'): Promise<MessageRecord[]> {
  const entries = await new RedisLogReader(redis).readAfter(shardOf(site, 4), '0-0', 10_000);
  return entries.flatMap(({ records }) => records).filter((record) => record.kind === 'message');
}

test('an operator hears all that devices of its sites send, and nothing of other sites', async () => {
  const operator = await connect(await add('operator', ['s1']));
  expect(await operator.subscribe('campus/v1/s1/#')).toBe(1);
  for (const filter of ['#', 'campus/v1/#', 'campus/v1/+/sensor/d1/telemetry', 'campus/v1/s2/#', '$SYS/#']) {
    expect(await operator.subscribe(filter)).toBe(128);
  }
  const [first, second] = [await connect(d1), await connect(d2)];
  await publish(second, `${d2.topicPrefix}telemetry`, 'not for you');
  await publish(first, `${d1.topicPrefix}telemetry`, '{"ts":1}');
  await publish(first, `${d1.topicPrefix}state`, '{"s":"online","ts":1}', true);
  await eventually('both messages', () => operator.heard.length >= 2);
  expect(operator.heard.map(({ topic }) => topic)).toEqual([
    `${d1.topicPrefix}telemetry`,
    `${d1.topicPrefix}state`,
  ]);
  const late = await connect(await add('operator', ['s1']));
  await late.subscribe('campus/v1/s1/+/+/state');
  await eventually('the retained state', () => late.heard.some(({ retain }) => retain));
});

test('an operator hears no claim, no credentials and nobody who only says to be a device', async () => {
  const operator = await connect(await add('operator', ['s1']));
  await operator.subscribe('campus/v1/s1/#');
  const { text } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 5 });
  const newcomer = await connect({ clientId: 'new', username: 'new', password: text });
  await newcomer.subscribe('campus/v1/s1/sensor/new/claimed');
  await publish(newcomer, 'campus/v1/s1/sensor/new/telemetry', 'x');
  await publish(newcomer, 'campus/v1/s1/sensor/new/claim', '{"serial":"SN"}');
  await eventually('the credentials', () => newcomer.heard.length > 0);
  await publish(await connect(d1), `${d1.topicPrefix}event`, 'marker');
  await eventually('the marker', () => operator.heard.some(({ payload }) => payload === 'marker'));
  expect(operator.heard.filter(({ retain }) => !retain).map(({ payload }) => payload)).toEqual(['marker']);
});

test('an operator may subscribe eight times, and no more', async () => {
  const operator = await connect(await add('operator', ['s1']));
  const streams = ['telemetry', 'state', 'meta', 'event', 'ack'];
  const filters = [...streams, ...streams.slice(0, 4)].map((stream, i) =>
    i < streams.length ? `campus/v1/s1/+/+/${stream}` : `campus/v1/s1/sensor/d1/${stream}`,
  );
  const granted: number[] = [];
  for (const filter of filters) granted.push(await operator.subscribe(filter));
  expect(granted).toEqual([...Array.from({ length: 8 }, () => 1), 128]);
  // One that it has is no further one.
  expect(await operator.subscribe(filters[0] ?? '')).toBe(1);
});

test('who is refused is counted by the reason', async () => {
  const refused = async (reason: string) => {
    const metric = await context.metrics.getSingleMetric('pc_mqtt_refusals_total')?.get();
    return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
  };
  const { password } = await issueCredentials(redis, {
    site: 's1',
    device: 'revoked',
    deviceClass: 'sensor',
  });
  await revokeCredentials(redis, 'revoked');
  const tries = {
    wrong_account: { clientId: 'x', username: '@nobody', password: 'x' },
    wrong_password: { clientId: 'd1', username: 'd1', password: 'x' },
    unknown_device: { clientId: 'nobody', username: 'nobody', password: 'x' },
    revoked: { clientId: 'revoked', username: 'revoked', password },
  };
  const counts = () => Promise.all(Object.keys(tries).map(refused));
  const before = await counts();
  // Who connects is told the same each time.
  for (const login of Object.values(tries)) await expect(connect(login)).rejects.toMatchObject({ code: 4 });
  const after = await counts();
  expect(after.map((count, i) => count - (before[i] ?? 0))).toEqual([1, 1, 1, 1]);
});

test('an operator that publishes is closed, and what it sent is nowhere', async () => {
  const operator = await connect(await add('operator', ['s1']));
  const before = (await logged()).length;
  let acknowledged = false;
  operator.mqtt.publish(`${d1.topicPrefix}telemetry`, 'x', { qos: 1 }, (error) => (acknowledged = !error));
  await eventually('the end of the connection', () => operator.closed);
  expect(acknowledged).toBe(false);
  expect(await logged()).toHaveLength(before);
});

test('a bridge speaks for the devices of its sites, and hears no device', async () => {
  const bridge = await connect(await add('bridge', ['s1', 's2']));
  expect(await bridge.subscribe('campus/v1/s1/+/+/cmd')).toBe(1);
  expect(await bridge.subscribe('campus/v1/s2/sensor/d2/cmd')).toBe(1);
  for (const filter of ['campus/v1/s1/#', 'campus/v1/s3/+/+/cmd', `${d1.topicPrefix}telemetry`]) {
    expect(await bridge.subscribe(filter)).toBe(128);
  }
  await publish(bridge, `${d1.topicPrefix}telemetry`, 'for d1');
  await publish(bridge, `${d2.topicPrefix}telemetry`, 'for d2');
  await publish(bridge, 'campus/v1/s3/sensor/d3/telemetry', 'not mine');
  await publish(bridge, `${d1.topicPrefix}cmd`, 'not mine either');
  const all = [...(await logged('s1')), ...(await logged('s2'))];
  expect(all.find(({ payload }) => payload.toString() === 'for d1')).toMatchObject({ client: 'd1' });
  expect(all.find(({ payload }) => payload.toString() === 'for d2')).toMatchObject({ client: 'd2' });
  for (const text of ['not mine', 'not mine either']) {
    const record = all.find(({ payload }) => payload.toString() === text);
    expect(record).toMatchObject({ foreignTopic: true, client: bridge.mqtt.options.username });
  }
});

test('a bridge does not speak for a device that is registered elsewhere, as another class, or not at all', async () => {
  const operator = await connect(await add('operator', ['s1']));
  await operator.subscribe('campus/v1/s1/#');
  const bridge = await connect(await add('bridge', ['s1', 's2']));
  const sent = {
    'campus/v1/s1/sensor/d2/telemetry': 'at another site',
    'campus/v1/s1/whiteboard/d1/state': 'as another class',
    'campus/v1/s1/sensor/stranger/state': 'not registered',
    'campus/v1/s1/sensor/d1/event': 'its own',
  };
  for (const [topic, payload] of Object.entries(sent)) await publish(bridge, topic, payload, true);
  await eventually('the one that is right', () =>
    operator.heard.some(({ payload }) => payload === 'its own'),
  );
  expect(operator.heard.filter(({ retain }) => !retain)).toHaveLength(1);
  const all = await logged();
  const find = (text: string) => all.find(({ payload }) => payload.toString() === text);
  // Under the devices' names, so that whoever looks for them finds it.
  const via = `bridge:${bridge.mqtt.options.username}`;
  expect(find('at another site')).toMatchObject({ foreignTopic: true, client: 'd2', via });
  expect(find('as another class')).toMatchObject({ foreignTopic: true, client: 'd1', via });
  expect(find('not registered')).toMatchObject({ unregistered: true, client: 'stranger' });
  await issueCredentials(redis, { site: 's1', device: 'stranger', deviceClass: 'sensor' });
  await eventually('to be known', async () => {
    await publish(bridge, 'campus/v1/s1/sensor/stranger/event', 'known now');
    return operator.heard.some(({ payload }) => payload === 'known now');
  });
});

test('what a bridge sends at once is logged in order, whoever has to be asked for', async () => {
  await issueCredentials(redis, { site: 's1', device: 'd9', deviceClass: 'sensor' });
  const bridge = await connect(await add('bridge', ['s1']));
  const topics = ['d1', 'd9', 'nobody-1', 'd1', 'nobody-2'].map(
    (id) => `campus/v1/s1/sensor/${id}/telemetry`,
  );
  const marked = Array.from({ length: 50 }, (_, i) => `order-${i}`);
  await Promise.all(marked.map((text, i) => publish(bridge, topics[i % topics.length] ?? '', text)));
  const order = (await logged())
    .map(({ payload }) => payload.toString())
    .filter((text) => text.startsWith('order-'));
  expect(order).toEqual(marked);
});

test('an account is let in with any client id, by its password alone, and can not take a device over', async () => {
  const account = await add('operator', ['s1']);
  const device = await connect(d1);
  const operator = await connect({ ...account, clientId: 'd1' });
  await publish(device, `${d1.topicPrefix}event`, '{}');
  expect([device.closed, operator.closed]).toEqual([false, false]);
  await expect(connect({ ...account, password: 'wrong' })).rejects.toMatchObject({ code: 4 });
  await expect(connect({ username: '@nobody', password: account.password })).rejects.toMatchObject({
    code: 4,
  });
  await expect(connect({ username: 'd1', password: account.password })).rejects.toMatchObject({ code: 4 });
});

test('an account is rotated with an overlap and revoked at once', async () => {
  const account = await add('operator', ['s1']);
  const name = account.username.slice(1);
  const client = await connect(account);
  const next = await rotateAccount(redis, name, 3_600_000);
  await connect(account);
  const other = await connect(next);
  await revokeAccount(redis, name);
  await eventually('both to be closed', () => client.closed && other.closed, 2000);
  await expect(connect(next)).rejects.toMatchObject({ code: 4 });
  await expect(rotateAccount(redis, name, 0)).rejects.toMatchObject({ code: 'unknown_account' });
});

test('an operator of a district has the sites that the district has', async () => {
  const account = await add('operator', [], ['nanhai']);
  const operator = await connect(account);
  expect(await operator.subscribe('campus/v1/s2/#')).toBe(1);
  expect(await operator.subscribe('campus/v1/s1/#')).toBe(128);
  const site = JSON.parse((await redis.hget(redisKeys.sites, 's1')) ?? '{}') as object;
  await commitChanges(redis, [{ kind: 'site', id: 's1' }], (multi) =>
    multi.hset(redisKeys.sites, 's1', JSON.stringify({ ...site, district: 'nanhai' })),
  );
  await eventually('to be closed, for it is for other sites now', () => operator.closed, 2000);
  expect(await (await connect(account)).subscribe('campus/v1/s1/#')).toBe(1);
});

test('an account needs a name of its own and sites that are there', async () => {
  const { username } = await add('operator', ['s1']);
  const refuses = (name: string, sites: string[], code: string) =>
    expect(addAccount(redis, { name, kind: 'operator', sites, districts: [] })).rejects.toMatchObject({
      code,
    });
  await refuses(username.slice(1), ['s1'], 'account_exists');
  await refuses('a/b', ['s1'], 'bad_id');
  await refuses('other', ['nowhere'], 'unknown_site');
  await refuses('other', [], 'no_site');
});
