import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { startBridges } from '../../../broker/bridge/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { encodePayload } from '../../../devices/profiles/sparkplug/payload.js';
import { addAccount } from '../../../devices/redis-accounts.js';
import type { DeviceClass } from '../../../devices/device-class.js';
import { commitChanges } from '../../../devices/redis-registry-changes.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { startIngest } from '../../../ingest/app.js';
import { readDeviceLedger, readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { listQuarantine, replayQuarantine } from '../../../ingest/quarantine/redis-quarantine.js';
import { adoptDevice, listUnknownDevices } from '../../../ingest/quarantine/redis-unknown-devices.js';
import { openInflux } from '../../../runtime/influx-connection.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { startAedesUpstream } from '../../support/aedes-upstream.js';
import type { AedesUpstream } from '../../support/aedes-upstream.js';
import { connectClient } from '../../support/broker-client.js';
import { TestCertificates } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

// Devices behind a bridge that nobody registered, or registered elsewhere: over TLS from an Aedes of somebody
// else's that asks for a password, and by a bridge account.

const login = { username: 'campus', password: 'not-for-the-log' };
let redisServer: TestServer;
let influxServer: TestServer;
let certificates: TestCertificates;
let upstream: AedesUpstream;
let redis: Redis;
let folder: string;
let port: number;
let vendor: MqttClient;
const contexts: RoleContext[] = [];
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [redisServer, influxServer, certificates, folder] = await Promise.all([
    startTestRedis(),
    startTestInflux(),
    TestCertificates.create(),
    mkdtemp(join(tmpdir(), 'campus-strangers-')),
  ]);
  upstream = await startAedesUpstream(certificates, login);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  port = await freePort();
  await writeFile(join(folder, 'ca.crt'), certificates.authority.certificate);
  await writeFile(join(folder, 'password'), `${login.password}\n`);
  const file = join(folder, 'bridges.yaml');
  await writeFile(
    file,
    `
- name: vendor
  url: ${upstream.url}
  username: ${login.username}
  passwordFile: password
  ca: ca.crt
  subscriptions:
    - { profile: sparkplug, site: s1, class: sensor }
    - { profile: zigbee2mqtt, site: s1, prefix: z2m- }
`,
  );
  const stores = { redisUrl: redisServer.url, influxUrl: influxServer.url };
  const context = () => {
    const made = createTestContext(stores, { MQTT_PORT: String(port), BRIDGES_FILE: file });
    contexts.push(made);
    return made;
  };
  await startBroker(context());
  await startIngest(context());
  const bridges = context();
  await startBridges(bridges);
  await registerDevice(redis, { site: 's1', device: 'gw', deviceClass: 'gateway', district: 'gaoming' });
  await registerDevice(redis, { site: 's2', device: 'z2m-far', deviceClass: 'sensor', district: 'nanhai' });
  vendor = await mqtt.connectAsync(upstream.url, { ...login, ca: certificates.authority.certificate });
  closing.push(() => vendor.endAsync(true));
  await eventually('the bridge to be up', async () => {
    const metric = await bridges.metrics.getSingleMetric('pc_bridge_connected')?.get();
    return metric?.values.some(({ value }) => value === 1);
  });
}, 60_000);
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  for (const context of contexts) await context.lifeCycle.stop();
  redis.disconnect();
  await upstream.stop();
  await Promise.all([redisServer.stop(), influxServer.stop(), certificates.remove()]);
  await rm(folder, { recursive: true, force: true });
});

const quarantined = async (device: string) =>
  (await listQuarantine(redis, { count: 1000 })).filter((item) => item.device === device);
const stored = async (device: string) => {
  const influx = await openInflux({ url: influxServer.url, bucket: 'campus' });
  return influx.query(`SELECT * FROM sensor WHERE device = '${device}' ORDER BY time`);
};
/** Registers it as this, whatever it was. */
const register = (id: string, site: string, deviceClass: DeviceClass) =>
  commitChanges(redis, [{ kind: 'device', id }], (multi) =>
    multi.hset(redisKeys.devices, id, JSON.stringify({ id, site, deviceClass, room: 'unassigned' })),
  );
const z2m = (temperature: number) => JSON.stringify({ temperature, last_seen: Date.now() });

test('a Sparkplug device nobody registered is shown as unknown, and its messages are stored when it is adopted', async () => {
  const publish = (topic: string, seq: number, metrics: object[]) =>
    vendor.publishAsync(`spBv1.0/foshan/${topic}`, encodePayload({ timestamp: Date.now(), seq, metrics }), {
      qos: 1,
    });
  await publish('NBIRTH/node', 0, [{ name: 'bdSeq', datatype: 4, longValue: 0 }]);
  await publish('DBIRTH/node/dev', 1, [{ name: 'Inputs/CO2', alias: 5, datatype: 7, intValue: 600 }]);
  // The birth is a notice and a reading. No name is in what follows: it can be understood by the birth alone.
  await publish('DDATA/node/dev', 2, [{ alias: 5, intValue: 610 }]);
  const device = 'foshan.node.dev';
  const [unknown] = await eventually('it to be shown as unknown', async () => {
    const heard = await listUnknownDevices(redis, device);
    return heard[0]?.messages === 3 && heard;
  });
  expect(unknown).toMatchObject({ site: 's1', deviceClass: 'sensor' });
  expect(await stored(device)).toEqual([]);
  expect(await adoptDevice(redis, { device, room: 'r7' })).toMatchObject({ replayed: 3 });
  const rows = await eventually('both to be stored', async () => {
    const found = await stored(device);
    return found.length === 2 && found;
  });
  expect(rows).toMatchObject([
    { co2_ppm: 600, site: 's1', room: 'r7' },
    { co2_ppm: 610, district: 'gaoming' },
  ]);
  expect(await listUnknownDevices(redis, device)).toEqual([]);
  await eventually('the ledger to say so', async () => {
    const ledger = await readDeviceLedger(redis, device);
    return ledger?.written === 3 && ledger.quarantined === 0;
  });
}, 30_000);

test('a device that is registered at another site is not written as one of this', async () => {
  await vendor.publishAsync('zigbee2mqtt/far', z2m(21), { qos: 1 });
  const [item] = await eventually('it to be quarantined', async () => {
    const items = await quarantined('z2m-far');
    return items.length > 0 && items;
  });
  expect(item).toMatchObject({ reason: 'not_own_topic' });
  expect(await stored('z2m-far')).toEqual([]);
});

test('what is replayed is asked for anew: it is written once its device is registered at this site, as this class', async () => {
  await vendor.publishAsync('zigbee2mqtt/lost', z2m(22), { qos: 1 });
  const [first] = await eventually('it to be unknown', async () => {
    const items = await quarantined('z2m-lost');
    return items.length > 0 && items;
  });
  await register('z2m-lost', 's2', 'sensor');
  for (const [id, site, deviceClass] of [
    [first?.id, 's1', 'ap'],
    [undefined, 's2', 'sensor'],
  ] as const) {
    await register('z2m-lost', site, deviceClass);
    const [now] = await quarantined('z2m-lost');
    expect(await replayQuarantine(redis, { ids: [id ?? now?.id ?? ''] })).toMatchObject({ replayed: 1 });
    await eventually('it to be back', async () => {
      const [again] = await quarantined('z2m-lost');
      return again !== undefined && again.id !== now?.id && again.reason === 'not_own_topic';
    });
  }
  expect(await stored('z2m-lost')).toEqual([]);
  await register('z2m-lost', 's1', 'sensor');
  const [last] = await quarantined('z2m-lost');
  expect(await replayQuarantine(redis, { ids: [last?.id ?? ''] })).toMatchObject({ replayed: 1 });
  await eventually('it to be stored', async () => (await stored('z2m-lost')).length === 1);
  expect(await stored('z2m-lost')).toMatchObject([{ site: 's1' }]);
}, 30_000);

test('the same for what a bridge account speaks for: unknown, adopted, and nobody under wrong tags', async () => {
  const account = await addAccount(redis, { name: 'gateway', kind: 'bridge', sites: ['s1'], districts: [] });
  const client = await connectClient(port, account);
  closing.push(() => client.mqtt.endAsync(true));
  const publish = (id: string, co2: number) =>
    client.mqtt.publishAsync(
      `campus/v1/s1/sensor/${id}/telemetry`,
      JSON.stringify({ ts: Date.now(), m: { co2_ppm: co2 } }),
      { qos: 1 },
    );
  await publish('behind', 700);
  await publish('z2m-far', 701);
  await eventually('it to be shown as unknown', async () => {
    const [heard] = await listUnknownDevices(redis, 'behind');
    return heard?.messages === 1;
  });
  const ofAccount = async () =>
    (await quarantined('z2m-far')).filter(({ topic }) => topic.startsWith('campus/'));
  expect(await ofAccount()).toMatchObject([{ reason: 'not_own_topic' }]);
  expect(await adoptDevice(redis, { device: 'behind' })).toMatchObject({ replayed: 1 });
  await eventually('it to be stored', async () => (await stored('behind')).length === 1);
  await eventually('the next one to be taken at once', async () => {
    await publish('behind', 702);
    return (await stored('behind')).length > 1;
  });
  expect(await stored('z2m-far')).toEqual([]);
  // Registered here now, it is taken out of the quarantine.
  const [foreign] = await ofAccount();
  await register('z2m-far', 's1', 'sensor');
  await replayQuarantine(redis, { ids: [foreign?.id ?? ''] });
  await eventually('it to be stored', async () => (await stored('z2m-far')).length === 1);
  await eventually('the ledger to add up', async () => {
    const { received, written, quarantined: kept, duplicates, pending } = await readLedger(redis);
    return pending === 0 && received === written + kept + duplicates;
  });
}, 30_000);
