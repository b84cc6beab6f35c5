import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { changeRegistry } from '../../../cli/registry/change-registry.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Credentials } from '../../../devices/credential.js';
import {
  issueCredentials,
  revokeCredentials,
  rotateCredentials,
} from '../../../devices/redis-credentials.js';
import { commitChanges } from '../../../devices/redis-registry-changes.js';
import type { Registry } from '../../../devices/registry.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { shardOf } from '../../../devices/site.js';
import { decodeFrame } from '../../../ingest/log/frame.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
/** Two broker processes would share nothing but Redis, and neither do these. */
const brokers: { readonly context: RoleContext; readonly port: number }[] = [];
const clients: MqttClient[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  for (const recheckS of ['3600', '1']) {
    const port = await freePort();
    const context = createTestContext(
      { redisUrl: server.url },
      { MQTT_PORT: String(port), RECHECK_S: recheckS },
    );
    await startBroker(context);
    brokers.push({ context, port });
  }
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(async () => {
  for (const { context } of brokers) await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

const issue = (device: string, site = 's1') =>
  issueCredentials(redis, { site, device, deviceClass: 'sensor' });

async function connect(
  { clientId, username, password }: Credentials,
  broker = 0,
): Promise<MqttClient & { closed: boolean }> {
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${brokers[broker]?.port}`,
    { clientId, username, password, reconnectPeriod: 0 },
    false,
  );
  clients.push(client);
  const watched = Object.assign(client, { closed: false });
  client.on('error', () => undefined).on('close', () => (watched.closed = true));
  return watched;
}

const refused = (credentials: Credentials, code: number) =>
  expect(connect(credentials)).rejects.toMatchObject({ code });

test('a revoked device is dropped by the broker that it is connected to, and not let in again', async () => {
  for (const [broker, device] of ['r1', 'r2'].entries()) {
    const credentials = await issue(device);
    const client = await connect(credentials, broker);
    const neighbour = await connect(await issue(`${device}-neighbour`), broker);
    await revokeCredentials(redis, device);
    await eventually('the connection to be closed', () => client.closed, 2000);
    await refused(credentials, 4);
    expect(neighbour.closed).toBe(false);
    await connect(await issue(device), broker);
  }
});

test('a revoked device has no last word: its Will is neither heard nor kept', async () => {
  const credentials = await issue('r-will');
  const { clientId, username, password, topicPrefix } = credentials;
  const topic = `${topicPrefix}meta`;
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${brokers[0]?.port}`,
    {
      clientId,
      username,
      password,
      reconnectPeriod: 0,
      will: { topic, payload: Buffer.from('{"model":"stolen"}'), qos: 1, retain: true },
    },
    false,
  );
  client.on('error', () => undefined);
  await client.publishAsync(topic, '{"model":"mine"}', { qos: 1, retain: true });
  let closed = false;
  client.on('close', () => (closed = true));
  await revokeCredentials(redis, 'r-will');
  await eventually('the connection to be closed', () => closed);
  // Its presence is told after the Will would have been.
  const shard = shardOf('s1', Number(await redis.get(redisKeys.shards)));
  const records = await eventually('its going to be logged', async () => {
    const entries = await redis.xrangeBuffer(redisKeys.log(shard), '-', '+');
    const all = entries.flatMap(([, fields]) => decodeFrame(fields[1] ?? Buffer.alloc(0)));
    return all.some((one) => one.kind === 'presence' && one.client === clientId && !one.online) && all;
  });
  const said = records.flatMap((one) =>
    one.kind === 'message' && one.topic === topic ? [one.payload.toString()] : [],
  );
  expect(said).toEqual(['{"model":"mine"}']);
});

test('issuing ends the earlier password and its connection, rotating with an overlap does not', async () => {
  const first = await issue('r3');
  const client = await connect(first);
  const { credentials: second } = await rotateCredentials(redis, 'r3', 3_600_000);
  // Another device's revocation, told after the rotation, shows that the rotation has been dealt with.
  const marker = await connect(await issue('r3-marker'));
  await revokeCredentials(redis, 'r3-marker');
  await eventually('the marker to be closed', () => marker.closed);
  expect(client.closed).toBe(false);
  const takenOver = await connect(second);
  await eventually('the earlier connection to be taken over', () => client.closed);
  const again = await connect(first);
  await eventually('that one, too', () => takenOver.closed);
  const third = await issue('r3');
  await eventually('the connection of the earlier password to be closed', () => again.closed, 2000);
  await refused(first, 4);
  await refused(second, 4);
  await connect(third);
});

test('when the overlap is over, a connection made with the earlier password ends', async () => {
  const first = await issue('r4');
  const client = await connect(first, 1);
  const { credentials: second } = await rotateCredentials(redis, 'r4', 1500);
  await eventually('the connection to be closed', () => client.closed);
  await refused(first, 4);
  await connect(second, 1);
});

test('a device that is removed, or moved to another site, is dropped', async () => {
  const removed = await connect(await issue('r5'));
  const moved = await connect(await issue('r6'));
  const change = (device: string, write: (multi: ReturnType<Redis['multi']>) => void) =>
    commitChanges(redis, [{ kind: 'device', id: device }], write);
  await change('r5', (multi) => multi.hdel(redisKeys.devices, 'r5'));
  await change('r6', (multi) =>
    multi.hset(
      redisKeys.devices,
      'r6',
      JSON.stringify({ id: 'r6', site: 's2', deviceClass: 'sensor', room: 'r' }),
    ),
  );
  await eventually('both to be closed', () => removed.closed && moved.closed, 2000);
});

test('a revocation that the feed does not tell of is found by the periodic check', async () => {
  const credentials = await issue('r7');
  const client = await connect(credentials, 1);
  await redis.hset(redisKeys.credentials, 'r7', JSON.stringify({ secrets: [], revokedAt: Date.now() }));
  await eventually('the connection to be closed', () => client.closed);
  await refused(credentials, 4);
});

test('a revocation made as soon as Redis is back from an outage is acted on', async () => {
  const client = await connect(await issue('r8'));
  const neighbour = await connect(await issue('r9'));
  await server.kill();
  await server.restart();
  const admin = new Redis(server.url);
  await admin.hset(redisKeys.credentials, 'r8', JSON.stringify({ secrets: [], revokedAt: Date.now() }));
  admin.disconnect();
  await eventually('the connection to be closed', () => client.closed, 5000);
  expect(neighbour.closed).toBe(false);
});

test('what is kept of one device and can not be read keeps nobody else out', async () => {
  const broken = await issue('r12');
  const client = await connect(broken);
  const others = await Promise.all(['r13', 'r14', 'r15'].map((device) => issue(device)));
  await redis.hset(redisKeys.credentials, 'r12', '{"secrets":');
  const [refusal] = await Promise.allSettled([connect(broken), ...others.map((each) => connect(each))]).then(
    ([first, ...rest]) => {
      expect(rest.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
      return [first];
    },
  );
  expect(refusal).toMatchObject({ status: 'rejected', reason: { code: 3 } });
  // Nor does it keep the others from being closed.
  const marker = await connect(await issue('r16'));
  await commitChanges(redis, [{ kind: 'credentials', id: 'r12' }], () => undefined);
  await revokeCredentials(redis, 'r16');
  await eventually('both to be closed', () => client.closed && marker.closed, 5000);
});

test('of two rotations at once none is lost', async () => {
  await issue('r10');
  const rotations = await Promise.all(
    Array.from({ length: 8 }, () => rotateCredentials(redis, 'r10', 3_600_000)),
  );
  for (const { credentials } of rotations) await connect(credentials);
});

test('a revoked device has nothing to rotate, and an unknown one nothing to revoke', async () => {
  await issue('r11');
  await revokeCredentials(redis, 'r11');
  await expect(rotateCredentials(redis, 'r11', 0)).rejects.toMatchObject({ code: 'revoked' });
  await expect(revokeCredentials(redis, 'nobody')).rejects.toMatchObject({ code: 'unknown_device' });
});

test('what a revoked, moved or removed device retained is forgotten, whatever its open connection still says', async () => {
  const kept = async (device: string, site = 's1') =>
    redis.hexists(redisKeys.retained(shardOf(site, 4)), `campus/v1/${site}/sensor/${device}/state`);
  const talking = async (device: string) => {
    const credentials = await issue(device);
    const client = await connect(credentials);
    const say = () => {
      if (client.closed) return;
      client.publish(`${credentials.topicPrefix}state`, JSON.stringify({ s: 'online', ts: Date.now() }), {
        qos: 1,
        retain: true,
      });
    };
    say();
    await eventually(`what ${device} retains`, async () => (await kept(device)) === 1);
    const timer = setInterval(say, 1);
    client.once('close', () => clearInterval(timer));
    return client;
  };
  const change = (decide: (current: Registry) => { readonly after: Registry }) =>
    changeRegistry(redis, decide);
  const neighbour = await talking('keeps');
  const acts: Record<string, () => Promise<unknown>> = {
    revoked: () => revokeCredentials(redis, 'revoked'),
    removed: () =>
      change(({ devices, ...rest }) => ({
        after: { ...rest, devices: new Map([...devices].filter(([id]) => id !== 'removed')) },
      })),
    moved: () =>
      change((current) => {
        const device = current.devices.get('moved');
        if (device === undefined) throw new Error('it is not registered');
        const sites = new Map(current.sites).set('s9', { id: 's9', kind: 'campus', district: 'unassigned' });
        return {
          after: {
            ...current,
            sites,
            devices: new Map(current.devices).set('moved', { ...device, site: 's9' }),
          },
        };
      }),
  };
  for (const [device, act] of Object.entries(acts)) {
    const client = await talking(device);
    await act();
    await eventually(`${device} to be dropped`, () => client.closed);
    await eventually(`nothing of it to be retained`, async () => (await kept(device)) === 0);
  }
  expect(await kept('keeps')).toBe(1);
  await neighbour.endAsync(true);
}, 30_000);
