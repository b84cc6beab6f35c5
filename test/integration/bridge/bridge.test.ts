import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBridges } from '../../../broker/bridge/app.js';
import { BridgeFollower } from '../../../broker/bridge/follow-bridge.js';
import { parseBridges } from '../../../broker/bridge/parse-bridges.js';
import { BridgeMemory } from '../../../broker/bridge/redis-bridge-memory.js';
import { loadProfiles } from '../../../devices/profiles/load-profiles.js';
import { encodePayload } from '../../../devices/profiles/sparkplug/payload.js';
import { issueCommand } from '../../../devices/redis-commands.js';
import { readPresence } from '../../../devices/redis-presence.js';
import { findDevice, registerDevice } from '../../../devices/redis-registry.js';
import { shardOf } from '../../../devices/site.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { startIngest } from '../../../ingest/app.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { createDecoder } from '../../../ingest/stages/decode.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { startMosquitto } from '../../support/mosquitto.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const shard = shardOf('school-7', 4);
let redisServer: TestServer;
let upstream: TestServer;
let redis: Redis;
let folder: string;
const running: RoleContext[] = [];
const clients: MqttClient[] = [];

beforeAll(async () => {
  [redisServer, upstream] = await Promise.all([startTestRedis(), startMosquitto()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  folder = await mkdtemp(join(tmpdir(), 'campus-bridge-'));
}, 180_000);
afterAll(async () => {
  redis.disconnect();
  await Promise.all([redisServer.stop(), upstream.stop(), rm(folder, { recursive: true, force: true })]);
});
beforeEach(async () => {
  await redis.flushall();
  for (const device of ['z2m-room101', 'z2m-room102']) {
    await registerDevice(redis, { site: 'school-7', device, deviceClass: 'sensor' });
  }
});
afterEach(async () => {
  for (const context of running.splice(0)) await context.lifeCycle.stop();
  for (const client of clients.splice(0)) await client.endAsync(true);
});

const zigbee = (more = '') => `
- name: a
  url: ${upstream.url}
  ${more}
  subscriptions:
    - { profile: zigbee2mqtt, site: school-7, prefix: z2m- }
`;

async function start(yaml: string, settings: Record<string, string> = {}): Promise<RoleContext> {
  const file = join(folder, 'bridges.yaml');
  await writeFile(file, yaml);
  const context = createTestContext(
    { redisUrl: redisServer.url },
    { BRIDGES_FILE: file, APPEND_TIMEOUT_S: '1', ...settings },
  );
  running.push(context);
  await startBridges(context);
  return context;
}
async function stop(context: RoleContext): Promise<void> {
  running.splice(running.indexOf(context), 1);
  await context.lifeCycle.stop();
}
async function connect(options: IClientOptions = {}, url = upstream.url): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 200, ...options });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}
const isUp = async (context: RoleContext, name = 'a') => {
  const metric = await context.metrics.getSingleMetric('pc_bridge_connected')?.get();
  return metric?.values.some(({ labels, value }) => labels['bridge'] === name && value === 1) ?? false;
};
const up = (context: RoleContext, name = 'a') =>
  eventually(`bridge ${name} to be up`, () => isUp(context, name));
const total = async (context: RoleContext, metric: string) =>
  (await context.metrics.getSingleMetric(metric)?.get())?.values.reduce((sum, { value }) => sum + value, 0) ??
  0;

async function logged(): Promise<MessageRecord[]> {
  const entries = await new RedisLogReader(redis).readAfter(shard, '0-0', 100_000);
  return entries.flatMap(({ records }) => records).filter((record) => record.kind === 'message');
}
const temperatures = async () =>
  (await logged()).map(
    ({ payload }) => (JSON.parse(payload.toString()) as { temperature: number }).temperature,
  );
const reading = (temperature: number) => JSON.stringify({ temperature, last_seen: Date.now() });
const decoder = createDecoder(
  { latenessMs: 900_000, futureMs: 300_000, maxAgeMs: 30 * 86_400_000 },
  await loadProfiles(),
);

describe.each([['3.1.1'], ['5']])('a broker that speaks MQTT %s', (version) => {
  test('what its devices say is in the log with all that is needed to understand it', async () => {
    const context = await start(zigbee(`mqtt: ${version}`));
    await up(context);
    const client = await connect();
    await client.publishAsync('zigbee2mqtt/room101', reading(21.5), { qos: 1 });
    await client.publishAsync('zigbee2mqtt/bridge/logging', '{}', { qos: 1 });
    await client.publishAsync('zigbee2mqtt/stranger', reading(20), { qos: 1 });
    await client.publishAsync('zigbee2mqtt/room102', 'rubbish', { qos: 0 });
    const records = await eventually('three messages', async () => {
      const all = await logged();
      return all.length === 3 && all;
    });
    expect(records.flatMap(decoder)).toMatchObject([
      {
        kind: 'reading',
        topic: { site: 'school-7', device: 'z2m-room101' },
        reading: { m: { temp_c: 21.5 } },
      },
      { kind: 'rejection', rejection: { reason: 'unknown_device' }, topic: { device: 'z2m-stranger' } },
      { kind: 'rejection', rejection: { reason: 'not_json' } },
    ]);
    expect(records[2]).toMatchObject({ client: 'bridge:a', topic: 'zigbee2mqtt/room102' });
    expect(await total(context, 'pc_bridge_ignored_total')).toBe(1);
  });

  test('what it sends while we are away waits there, in order', async () => {
    const first = await start(zigbee(`mqtt: ${version}`));
    await up(first);
    await stop(first);
    const client = await connect();
    for (let i = 0; i < 20; i++) await client.publishAsync('zigbee2mqtt/room101', reading(i), { qos: 1 });
    await start(zigbee(`mqtt: ${version}`));
    await eventually('all to be there', async () => (await logged()).length === 20);
    expect(await temperatures()).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

test('a device that is registered meanwhile is no stranger any more', async () => {
  await up(await start(zigbee()));
  const client = await connect();
  const kind = async () => {
    await client.publishAsync('zigbee2mqtt/new', reading(20), { qos: 1 });
    return (await logged()).flatMap(decoder).at(-1)?.kind;
  };
  await eventually('it to be rejected', async () => (await kind()) === 'rejection');
  await registerDevice(redis, { site: 'school-7', device: 'z2m-new', deviceClass: 'sensor' });
  await eventually('it to be taken', async () => (await kind()) === 'reading');
});

test('while the log takes nothing, nothing is acknowledged and little is read; all of it comes when it does', async () => {
  const context = await start(zigbee(), { INFLIGHT_PER_CLIENT: '10' });
  await up(context);
  const client = await connect();
  await client.publishAsync('zigbee2mqtt/room101', reading(-1), { qos: 1 });
  await eventually('the first', async () => (await logged()).length === 1);
  process.kill(redisServer.pid, 'SIGSTOP');
  const before = await total(context, 'pc_bridge_messages_total');
  for (let i = 0; i < 300; i++) await client.publishAsync('zigbee2mqtt/room101', reading(i), { qos: 1 });
  await eventually('the log to be given up', async () => !(await isUp(context)), 30_000);
  const inFlight = (await context.metrics.getSingleMetric('pc_bridge_inflight_messages')?.get())?.values[0]
    ?.value;
  expect(inFlight).toBeLessThanOrEqual(10);
  expect(await total(context, 'pc_bridge_messages_total')).toBe(before);
  process.kill(redisServer.pid, 'SIGCONT');
  const firsts = await eventually('all to be there', async () => {
    const seen = [...new Set(await temperatures())];
    return seen.length === 301 && seen;
  });
  expect(firsts).toEqual(Array.from({ length: 301 }, (_, i) => i - 1));
}, 120_000);

test('a broker that is away for a while is tried again, and its session goes on', async () => {
  const context = await start(zigbee());
  await up(context);
  await upstream.kill();
  await eventually('the loss to be noticed', async () => !(await isUp(context)));
  await upstream.restart();
  await up(context);
  const client = await connect();
  await client.publishAsync('zigbee2mqtt/room101', reading(22), { qos: 1 });
  await eventually('the message', async () => (await logged()).length === 1);
});

test('two bridges of one shared subscription have each message once between them', async () => {
  const yaml = ['x', 'y']
    .map((name) => zigbee('share: campus\n  mqtt: 5').replace('name: a', `name: ${name}`))
    .join('');
  const context = await start(yaml);
  await up(context, 'x');
  await up(context, 'y');
  const client = await connect();
  for (let i = 0; i < 40; i++) await client.publishAsync('zigbee2mqtt/room101', reading(i), { qos: 1 });
  await eventually('all to be there', async () => (await logged()).length === 40);
  expect((await temperatures()).toSorted((x, y) => x - y)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(new Set((await logged()).map(({ client: by }) => by))).toEqual(new Set(['bridge:x', 'bridge:y']));
});

test.each([
  ['a key that is none', 'cert: bad.pem\n  key: bad.pem', "can't be used"],
  ['a ca without a certificate', 'ca: bad.pem', 'holds no certificate'],
])('%s is the trouble of its bridge alone', async (_, files, trouble) => {
  await writeFile(join(folder, 'bad.pem'), 'not PEM\n');
  const broken = zigbee(files).replace('name: a', 'name: broken').replace('mqtt://', 'mqtts://');
  const context = await start(broken + zigbee());
  await up(context);
  expect(await isUp(context, 'broken')).toBe(false);
  await eventually('the status to say so', async () => {
    const [report] = (await readRoleReports(redis)).filter(({ role }) => role === 'bridge');
    return report?.trouble?.includes(trouble);
  });
});

test('a connection that TLS will not even try is tried again, and stops when told', async () => {
  const profiles = await loadProfiles();
  const [bridge] = parseBridges('x', zigbee().replace('mqtt://', 'mqtts://'), profiles);
  if (bridge === undefined) throw new Error('no bridge');
  const { log } = createTestContext({ redisUrl: redisServer.url });
  const follower = new BridgeFollower({
    bridge,
    secrets: { cert: 'not PEM', key: 'not PEM' },
    memory: new BridgeMemory(redis, 'a'),
    log,
    most: { messages: 1, bytes: 1 },
    take: () => Promise.resolve(),
    onConnected: () => undefined,
  });
  await eventually('the trouble', () => follower.trouble !== 'not connected yet');
  expect(follower.trouble).toMatch(/PEM/i);
  await follower.stop();
});

test('a filter that is no longer in the file is taken back from the session', async () => {
  // Of its own: what other tests sent would still wait in the session of theirs.
  const yaml = zigbee().replace('name: a', 'name: f');
  const first = await start(yaml);
  await up(first, 'f');
  await stop(first);
  await up(
    await start(yaml.replace('{ profile: zigbee2mqtt,', '{ topics: [other/+], profile: zigbee2mqtt,')),
    'f',
  );
  const client = await connect();
  await client.publishAsync('zigbee2mqtt/room101', reading(20), { qos: 1 });
  await client.publishAsync('other/room101', reading(21), { qos: 1 });
  await eventually('the one that is wanted', async () => (await logged()).length === 1);
  expect((await logged())[0]?.topic).toBe('other/room101');
});

test('Sparkplug: births are remembered over a restart, aliases named, gaps counted, rebirths asked for', async () => {
  const yaml = `
- name: s
  url: ${upstream.url}
  hostId: campus
  subscriptions:
    - { profile: sparkplug, site: school-7, class: sensor }
`;
  await registerDevice(redis, { site: 'school-7', device: 'foshan.node.dev', deviceClass: 'sensor' });
  const client = await connect();
  const commands: string[] = [];
  const states: string[] = [];
  client.on('message', (topic, payload) =>
    topic.includes('STATE') ? states.push(payload.toString()) : commands.push(topic),
  );
  await client.subscribeAsync(['spBv1.0/+/NCMD/#', 'spBv1.0/STATE/campus']);
  const first = await start(yaml);
  await up(first, 's');
  const data = (seq: number, co2: number, alias = 5) =>
    client.publishAsync(
      'spBv1.0/foshan/DDATA/node/dev',
      encodePayload({ timestamp: Date.now(), seq, metrics: [{ alias, intValue: co2 }] }),
    );
  const bdSeq = { name: 'bdSeq', datatype: 4, longValue: 0 };
  await client.publishAsync(
    'spBv1.0/foshan/NBIRTH/node',
    encodePayload({ timestamp: Date.now(), seq: 0, metrics: [bdSeq] }),
  );
  const born = [{ name: 'Inputs/CO2', alias: 5, datatype: 7, intValue: 600 }];
  await client.publishAsync(
    'spBv1.0/foshan/DBIRTH/node/dev',
    encodePayload({ timestamp: Date.now(), seq: 1, metrics: born }),
  );
  await data(2, 610);
  await data(5, 620);
  await eventually('the gap', async () => (await total(first, 'pc_bridge_sequence_gaps_total')) === 2);
  await eventually('the rebirth to be asked for', () => commands.includes('spBv1.0/foshan/NCMD/node'));
  await eventually('the birth to be kept', async () => (await redis.hlen(redisKeys.bridgeBirths('s'))) === 1);
  await stop(first);
  await eventually('the host to be known as offline', () => states.some((state) => state.includes('false')));
  await up(await start(yaml), 's');
  await data(6, 630);
  await data(7, 640, 77);
  const records = await eventually('all to be there', async () => {
    const all = await logged();
    return all.length === 6 && all;
  });
  const outcomes = records.flatMap(decoder).map((one) => {
    if (one.kind === 'reading') return one.reading.m['co2_ppm'];
    return one.kind === 'rejection' ? one.rejection.reason : one.kind;
  });
  expect(outcomes.filter((one) => typeof one === 'number')).toEqual([600, 610, 620, 630]);
  expect(outcomes.at(-1)).toBe('unknown_alias');
}, 60_000);

test('who sends a command to a device that is only heard through a bridge is told so at once', async () => {
  const ingest = createTestContext({ redisUrl: redisServer.url });
  running.push(ingest);
  await up(await start(zigbee()));
  await startIngest(ingest);
  const client = await connect();
  await client.publishAsync('zigbee2mqtt/room101', reading(21), { qos: 1 });
  const device = await findDevice(redis, 'z2m-room101');
  if (device === undefined) throw new Error('it is not registered');
  await eventually('it to be heard', async () => {
    return (await readPresence(redis, device)).presence.through?.name === 'a';
  });
  const wanted = { device: device.id, action: 'reboot', args: {}, issuedBy: 'test' };
  const sent = issueCommand(redis, { ...wanted, expiresAt: Date.now() + 60_000 }, Date.now());
  await expect(sent).rejects.toMatchObject({
    code: 'behind_bridge',
    message: expect.stringContaining('heard through the bridge "a", which does not carry commands') as string,
  });
  // One that speaks for itself, or was never heard, is sent it.
  const other = { ...wanted, device: 'z2m-room102', expiresAt: Date.now() + 60_000 };
  expect((await issueCommand(redis, other, Date.now())).repeated).toBe(false);
}, 60_000);
