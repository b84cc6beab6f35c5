import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { ClaimRefusal } from '../../../devices/claim.js';
import type { Credentials } from '../../../devices/credential.js';
import { addAccount, findAccount } from '../../../devices/redis-accounts.js';
import {
  claimCredentials,
  issueClaimToken,
  listClaims,
  listClaimTokens,
  revokeClaimToken,
} from '../../../devices/redis-claims.js';
import { issueCredentials, revokeCredentials } from '../../../devices/redis-credentials.js';
import { loadRegistry, replaceRegistry } from '../../../devices/redis-registry-snapshot.js';
import { findDevice, registerDevice } from '../../../devices/redis-registry.js';
import { removeRecords } from '../../../devices/remove-records.js';
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
const clients: TestClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  port = await freePort();
  context = createTestContext(
    { redisUrl: server.url },
    { MQTT_PORT: String(port), LOGIN_FAILURE_DELAY_S: '3' },
  );
  await startBroker(context);
  for (const site of ['s1', 's2']) {
    await registerDevice(redis, { site, device: `${site}-gateway`, deviceClass: 'gateway' });
  }
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.mqtt.endAsync(true)));
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

const issueToken = async (more: { site?: string; validMs?: number; uses?: number } = {}) =>
  issueClaimToken(redis, { site: 's1', validMs: 3_600_000, uses: 10, ...more });

async function connect(device: string, password: string, clientId = device): Promise<TestClient> {
  const client = await connectClient(port, { clientId, username: device, password });
  clients.push(client);
  return client;
}

const topic = (device: string, stream: string, site = 's1') => `campus/v1/${site}/sensor/${device}/${stream}`;

/** What a device does on the spot: subscribe, claim, wait for the answer. */
async function claim(
  token: string,
  device: string,
  body: object | string,
): Promise<Credentials & ClaimRefusal> {
  const client = await connect(device, token);
  expect(await client.subscribe(topic(device, 'claimed'))).toBe(1);
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  await client.mqtt.publishAsync(topic(device, 'claim'), payload, { qos: 1 });
  const answer = await eventually('the answer', () => client.heard[0]);
  expect(answer).toMatchObject({ topic: topic(device, 'claimed'), retain: false });
  await client.mqtt.endAsync();
  return JSON.parse(answer.payload) as Credentials & ClaimRefusal;
}

async function logged(): Promise<MessageRecord[]> {
  const entries = await new RedisLogReader(redis).readAfter(shardOf('s1', 4), '0-0', 10_000);
  return entries.flatMap(({ records }) => records).filter((record) => record.kind === 'message');
}

test('a device claims its own credentials with the token of its site, and works with them', async () => {
  const { text } = await issueToken();
  const answer = await claim(text, 'c1', { serial: 'SN-1', model: 'MX-2', room: 'r101' });
  expect(Object.keys(answer).sort()).toEqual(['clientId', 'password', 'topicPrefix', 'username']);
  const device = await connect('c1', answer.password);
  await device.mqtt.publishAsync(topic('c1', 'telemetry'), '{"ts":1}', { qos: 1 });
  expect((await logged()).filter(({ client }) => client === 'c1')).toMatchObject([
    { topic: topic('c1', 'telemetry') },
  ]);
  expect(await findDevice(redis, 'c1')).toMatchObject({
    site: 's1',
    deviceClass: 'sensor',
    room: 'r101',
    model: 'MX-2',
    serial: 'SN-1',
  });
  expect((await listClaims(redis, 1))[0]).toMatchObject({
    device: 'c1',
    serial: 'SN-1',
    address: '127.0.0.1',
    via: 'mqtt',
    outcome: 'claimed',
  });
});

test('after a factory reset the same serial claims again, which ends what it had', async () => {
  const { text } = await issueToken({ uses: 1 });
  const first = await claim(text, 'c2', { serial: 'SN-2' });
  const before = await connect('c2', first.password);
  const second = await claim(text, 'c2', { serial: 'SN-2' });
  await eventually('the earlier connection to be closed', () => before.closed);
  await expect(connect('c2', first.password)).rejects.toMatchObject({ code: 4 });
  await connect('c2', second.password);
  expect((await listClaims(redis, 1))[0]).toMatchObject({ outcome: 'claimed_again' });
});

test('a claim session does not push a connected device out', async () => {
  const { text } = await issueToken();
  const { password } = await issueCredentials(redis, { site: 's1', device: 'c3', deviceClass: 'sensor' });
  const device = await connect('c3', password);
  const answer = await claim(text, 'c3', { serial: 'SN-3' });
  expect(answer.error).toBe('has_password');
  expect(device.closed).toBe(false);
});

test('what is not in order is refused in words, and is on record', async () => {
  const { text } = await issueToken({ uses: 2 });
  await claim(text, 'c4', { serial: 'SN-4' });
  await issueCredentials(redis, { site: 's1', device: 'c5', deviceClass: 'ap' });
  const cases: [string, object | string, string][] = [
    ['c4', { serial: 'SN-5' }, 'other_serial'],
    ['c5', { serial: 'SN-5' }, 'other_class'],
    ['c6', '{"serial":', 'bad_claim'],
    ['c6', { serial: '' }, 'bad_claim'],
    ['c6', { serial: 'SN-6', room: 'a/b' }, 'bad_claim'],
    ['c6', { serial: 'SN-6\n' + 'x'.repeat(100) }, 'bad_claim'],
  ];
  for (const [device, body, error] of cases) {
    const answer = await claim(text, device, body);
    expect(answer).toMatchObject({ error });
    expect(answer).not.toHaveProperty('password');
    expect((await listClaims(redis, 1))[0]).toMatchObject({ device, outcome: error });
  }
  await claim(text, 'c6', { serial: 'SN-6' });
  expect(await claim(text, 'c7', { serial: 'SN-7' })).toMatchObject({ error: 'token_used_up' });
  await revokeCredentials(redis, 'c6');
  expect(await claim(text, 'c6', { serial: 'SN-6' })).toMatchObject({ error: 'revoked' });
});

test('who guesses serial numbers is slowed, and the token ends', async () => {
  await claim((await issueToken()).text, 'c14', { serial: 'SN-14' });
  const { text, kept } = await issueToken();
  const client = await connect('c14', text);
  await client.subscribe(topic('c14', 'claimed'));
  for (let i = 0; i < 8; i++) client.mqtt.publish(topic('c14', 'claim'), `{"serial":"G-${i}"}`, { qos: 1 });
  await eventually('an answer to be held back', async () => {
    const held = await context.metrics.getSingleMetric('pc_login_held_refusals')?.get();
    return (held?.values[0]?.value ?? 0) > 0;
  });
  const guess = {
    tokenId: kept.id,
    device: 'c14',
    deviceClass: 'sensor',
    address: 'x',
    via: 'http',
  } as const;
  for (let i = 0; i < 20; i++) await claimCredentials(redis, { ...guess, request: { serial: `H-${i}` } });
  await eventually('the session to be closed', () => client.closed);
  await expect(connect('c14', text)).rejects.toMatchObject({ code: 4 });
  const outcomes = (await listClaims(redis, 100)).filter(({ tokenId }) => tokenId === kept.id);
  expect(outcomes.filter(({ outcome }) => outcome === 'too_many_guesses')).toHaveLength(1);
  expect((await listClaimTokens(redis)).find(({ id }) => id === kept.id)).toMatchObject({ guesses: 20 });
});

test('a token ends with its site, and accounts lose it', async () => {
  await registerDevice(redis, { site: 's9', device: 's9-gateway', deviceClass: 'gateway' });
  const { text, kept } = await issueToken({ site: 's9' });
  await addAccount(redis, { name: 'watch', kind: 'operator', sites: ['s1', 's9'], districts: [] });
  const claimed = {
    request: { serial: 'SN-15' },
    tokenId: kept.id,
    device: 'c15',
    deviceClass: 'sensor',
    address: '127.0.0.1',
    via: 'mqtt',
  } as const;
  // Removed by hand, behind the back of the registry.
  const json = (await redis.hget(redisKeys.sites, 's9')) ?? '';
  await redis.hdel(redisKeys.sites, 's9');
  expect(await claimCredentials(redis, claimed)).toMatchObject({ error: 'token_ended' });
  await redis.hset(redisKeys.sites, 's9', json);

  const client = await connect('c15', text);
  const snapshot = await loadRegistry(redis);
  const after = removeRecords(snapshot.registry, 'site', ['s9'], true);
  if (!('after' in after)) throw new Error('the site can not be removed');
  expect(await replaceRegistry(redis, snapshot, after.after)).toBe(true);
  await eventually('the session to be closed', () => client.closed);
  expect(await findAccount(redis, 'watch')).toMatchObject({ sites: ['s1'] });
  await registerDevice(redis, { site: 's9', device: 's9-gateway', deviceClass: 'gateway' });
  await expect(connect('c15', text)).rejects.toMatchObject({ code: 4 });
});

test('a room that is new with a claim is in the registry, which can be imported as it was exported', async () => {
  const { text } = await issueToken();
  await claim(text, 'c16', { serial: 'SN-16', room: 'new-room' });
  const { registry } = await loadRegistry(redis);
  expect(registry.rooms.get('s1/new-room')).toMatchObject({ site: 's1', id: 'new-room' });
});

test('of many devices that claim one id or one use at once, one gets it', async () => {
  const { text } = await issueToken({ uses: 3 });
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, i) => claim(text, `c8-${i}`, { serial: `SN-8-${i}` })),
  );
  expect(answers.filter(({ password }) => (password as string | undefined) !== undefined)).toHaveLength(3);
});

test('who does not have the token, or has an ended one, does not get in', async () => {
  const { text, kept } = await issueToken();
  const wrong = `${text.slice(0, -4)}${text.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
  await expect(connect('c9', wrong)).rejects.toMatchObject({ code: 4 });
  await expect(connect('c9', text, 'other')).rejects.toMatchObject({ code: 5 });
  await expect(connect('s2-gateway', text)).rejects.toMatchObject({ code: 5 });
  const client = await connect('c9', text);
  await revokeClaimToken(redis, kept.id);
  await eventually('the session to be closed', () => client.closed, 2000);
  await expect(connect('c9', text)).rejects.toMatchObject({ code: 4 });
  const { text: short } = await issueToken({ validMs: 1 });
  await expect(connect('c9', short)).rejects.toMatchObject({ code: 4 });
});

test('whatever else a claim session sends is kept apart, and it hears nothing but its answer', async () => {
  const { text } = await issueToken();
  const client = await connect('c10', text);
  for (const filter of ['#', topic('c10', 'cmd'), topic('c10', '+'), topic('c1', 'claimed'), '$SYS/#']) {
    expect(await client.subscribe(filter)).toBe(128);
  }
  await client.mqtt.publishAsync(topic('c10', 'telemetry'), '{"ts":1}', { qos: 1, retain: true });
  await client.mqtt.publishAsync(topic('c1', 'telemetry'), '{"ts":2}', { qos: 1 });
  await client.mqtt.publishAsync(topic('c1', 'claim'), '{"serial":"SN-1"}', { qos: 1 });
  expect((await logged()).filter((record) => record.client === 'c10')).toMatchObject([
    { topic: topic('c10', 'telemetry'), unregistered: true, foreignTopic: false },
    { topic: topic('c1', 'telemetry'), unregistered: true, foreignTopic: true },
    { topic: topic('c1', 'claim'), foreignTopic: true },
  ]);
});

test('an answer waits for the subscription, and neither claim nor answer is in the reading log', async () => {
  const { text } = await issueToken();
  const client = await connect('c11', text);
  await client.mqtt.publishAsync(topic('c11', 'claim'), '{"serial":"SN-11"}', { qos: 1 });
  expect(client.heard).toEqual([]);
  await client.subscribe(topic('c11', 'claimed'));
  const answer = await eventually('the answer', () => client.heard[0]);
  expect(answer.payload).toContain('password');
  expect((await logged()).filter((record) => record.client === 'c11')).toEqual([]);
  const other = await connect('c12', text);
  await other.subscribe(topic('c12', 'claimed'));
  expect(other.heard).toEqual([]);
});

test('a claim made while Redis is away is not acknowledged, and works once it is back', async () => {
  const { text } = await issueToken();
  const client = await connect('c13', text);
  await client.subscribe(topic('c13', 'claimed'));
  let acknowledged = false;
  await server.kill();
  client.mqtt.publish(topic('c13', 'claim'), '{"serial":"SN-13"}', { qos: 1 }, (error) => {
    if (!error) acknowledged = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(acknowledged).toBe(false);
  await server.restart();
  await eventually('the answer or the end of the connection', () => client.heard.length > 0 || client.closed);
  const { password } = client.closed
    ? await claim(text, 'c13', { serial: 'SN-13' })
    : (JSON.parse(client.heard[0]?.payload ?? '') as Credentials);
  await connect('c13', password);
});
