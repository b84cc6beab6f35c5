import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { addAccount } from '../../../devices/redis-accounts.js';
import { findCommand } from '../../../devices/redis-command-list.js';
import { issueCommand } from '../../../devices/redis-commands.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { readTwin } from '../../../devices/redis-twin.js';
import { shardOf } from '../../../devices/site.js';
import { startIngest } from '../../../ingest/app.js';
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
const contexts: RoleContext[] = [];
const clients: TestClient[] = [];
let port: number;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  port = await freePort();
  for (const start of [startBroker, startIngest]) {
    const context = createTestContext(
      { redisUrl: server.url },
      { MQTT_PORT: String(port), RECONNECT_GRACE_S: '1' },
    );
    contexts.push(context);
    await start(context);
  }
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.mqtt.endAsync(true)));
});
afterAll(async () => {
  // Without InfluxDB the ingest can't settle what it has: nothing to wait for.
  await Promise.all(contexts.map((context) => context.lifeCycle.stop()));
  redis.disconnect();
  await server.stop();
}, 30_000);

async function connect(login: {
  username: string;
  password: string;
  clientId?: string;
}): Promise<TestClient> {
  const client = await connectClient(port, login);
  clients.push(client);
  return client;
}
const account = (name: string, site: string) =>
  addAccount(redis, { name, kind: 'bridge', sites: [site], districts: [] });
const send = async (device: string) => {
  const wanted = { id: randomUUID(), device, action: 'reboot', args: {}, issuedBy: 'test' };
  const { command } = await issueCommand(redis, { ...wanted, expiresAt: Date.now() + 60_000 }, Date.now());
  return command.id;
};
const idsHeardBy = (client: TestClient) =>
  client.heard.map(({ payload }) => (JSON.parse(payload) as { id: string }).id);
const issue = (site: string, device: string) => issueCredentials(redis, { site, device, deviceClass: 'ap' });

test('a device behind a bridge account hears its command through it, again after a reconnect, until it has answered', async () => {
  await issue('s1', 'behind');
  await issue('s2', 'far');
  const login = await account('gateway', 's1');
  const [id, elsewhere] = [await send('behind'), await send('far')];
  const first = await connect(login);
  await first.subscribe('campus/v1/s1/+/+/cmd');
  await eventually('the command', () => idsHeardBy(first).length > 0);
  expect(first.heard[0]?.topic).toBe('campus/v1/s1/ap/behind/cmd');
  await first.mqtt.endAsync(true);
  const again = await connect(login);
  await again.subscribe('campus/v1/s1/+/+/cmd');
  await eventually('it to come again', () => idsHeardBy(again).includes(id));
  const next = await send('behind');
  await eventually('the next one', () => idsHeardBy(again).includes(next));
  for (const each of [id, next]) {
    const answer = JSON.stringify({ id: each, ok: true });
    await again.mqtt.publishAsync('campus/v1/s1/ap/behind/ack', answer, { qos: 1 });
  }
  await eventually('both to be answered', async () => {
    const states = await Promise.all(
      [id, next].map(async (each) => (await findCommand(redis, each))?.answer?.ok),
    );
    return states.every((ok) => ok === true);
  });
  const { history, through } = (await findCommand(redis, id)) ?? {};
  expect(through).toBe('@gateway');
  expect(history?.slice(1).map(({ by }) => by)).toEqual(['@gateway', '@gateway']);
  const third = await connect(login);
  await third.subscribe('campus/v1/s1/+/+/cmd');
  const last = await send('behind');
  await eventually('only what is new', () => idsHeardBy(third).length > 0);
  expect(idsHeardBy(third)).toEqual([last]);
  // Of two connections of one account only the newest is told.
  expect(idsHeardBy(again)).toEqual([id, next]);
  expect((await findCommand(redis, elsewhere))?.attempts).toBe(0);
}, 30_000);

test('a device that is connected itself hears its commands alone', async () => {
  const device = await issue('s1', 'direct');
  const bridge = await connect(await account('other', 's1'));
  await bridge.subscribe('campus/v1/s1/+/+/cmd');
  const own = await connect(device);
  await eventually(
    'it to be on record',
    async () => (await redis.hexists(redisKeys.connections, 'direct')) === 1,
  );
  await own.subscribe(`${device.topicPrefix}cmd`);
  const id = await send('direct');
  await eventually('the command', () => idsHeardBy(own).includes(id));
  const marker = await (async () => {
    await issue('s1', 'behind-2');
    return send('behind-2');
  })();
  await eventually('the bridge to hear of the other', () => idsHeardBy(bridge).includes(marker));
  expect(idsHeardBy(bridge)).not.toContain(id);
});

test('devices behind a bridge account are unknown, and not offline, while it is gone', async () => {
  const login = await account('presence', 's1');
  await issue('s1', 'lost');
  await issue('s1', 'own');
  const found = async (id: string) => (await readTwin(redis, id)).presence;
  const speak = async (client: TestClient, device: string) => {
    const meta = JSON.stringify({ interval_s: 1 });
    await client.mqtt.publishAsync(`campus/v1/s1/ap/${device}/meta`, meta, { qos: 1 });
  };
  const talk = async (client: TestClient) => {
    await speak(client, 'lost');
    return (await found('lost')).state === 'online';
  };
  // The account speaks for a while, so that it is known to be there.
  const bridge = await connect(login);
  await eventually('the device behind it to be online', () => talk(bridge));
  expect((await found('lost')).through).toEqual({ kind: 'account', name: 'presence' });
  const shard = shardOf('s1', 4);
  await eventually('the account to be known', () =>
    redis.hexists(redisKeys.judge(shard), 'b/bridge:@presence').then((exists) => exists === 1),
  );
  await bridge.mqtt.endAsync(true);
  await eventually('it to be missed', async () => (await found('lost')).state !== 'online', 30_000);
  expect((await found('lost')).state).toBe('unknown');
  const again = await connect(login);
  await eventually('it to be back', () => talk(again));
  // One that falls silent while the account is there is missed itself.
  await speak(again, 'own');
  await eventually('it to be online', async () => (await found('own')).state === 'online');
  await eventually('it to be offline', async () => (await found('own')).state === 'offline', 30_000);
}, 90_000);
