import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { issueClaimToken } from '../../../devices/redis-claims.js';
import { findDevice, registerDevice } from '../../../devices/redis-registry.js';
import { startIngest } from '../../../ingest/app.js';
import { readDeviceLedger, readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { listQuarantine, replayQuarantine } from '../../../ingest/quarantine/redis-quarantine.js';
import { adoptDevice, listUnknownDevices } from '../../../ingest/quarantine/redis-unknown-devices.js';
import { openInflux } from '../../../runtime/influx-connection.js';
import type { RoleContext } from '../../../runtime/role.js';
import { connectClient } from '../../support/broker-client.js';
import type { TestClient } from '../../support/broker-client.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
const contexts: RoleContext[] = [];
let port: number;
const clients: TestClient[] = [];
const now = Date.now();

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  port = await freePort();
  const stores = { redisUrl: redisServer.url, influxUrl: influxServer.url };
  const context = () => {
    const made = createTestContext(stores, { MQTT_PORT: String(port) });
    contexts.push(made);
    return made;
  };
  await startBroker(context());
  await startIngest(context());
  await registerDevice(redis, { site: 's1', device: 'gw', deviceClass: 'gateway', district: 'gaoming' });
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.mqtt.endAsync(true)));
  for (const context of contexts) await context.lifeCycle.stop();
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
});

const reading = (seq: number) => ({ ts: now - 60_000 + seq, seq, boot: 'b', m: { co2_ppm: 600 + seq } });
const settled = (received: number) =>
  eventually('everything to be settled', async () => {
    const ledger = await readLedger(redis);
    return ledger.pending === 0 && ledger.received === received && ledger;
  });

test('what an unknown device sends waits in quarantine, and is stored when the device is adopted', async () => {
  const { text } = await issueClaimToken(redis, { site: 's1', validMs: 3_600_000, uses: 10 });
  for (const device of ['new-1', 'new-2']) {
    const client = await connectClient(port, { clientId: device, username: device, password: text });
    clients.push(client);
    const publish = (body: unknown) =>
      client.mqtt.publishAsync(`campus/v1/s1/sensor/${device}/telemetry`, JSON.stringify(body), { qos: 1 });
    for (let seq = 0; seq < 5; seq++) await publish(reading(seq));
    // A backlog is one message, whatever is in it.
    await publish([reading(5), reading(6), { ...reading(7), m: { co2_ppm: -1 } }]);
  }
  expect(await settled(12)).toMatchObject({ received: 12, written: 0, quarantined: 12 });
  const unknown = await listUnknownDevices(redis);
  expect(unknown.map(({ device }) => device).sort()).toEqual(['new-1', 'new-2']);
  expect(unknown[0]).toMatchObject({ site: 's1', deviceClass: 'sensor', messages: 6 });

  // As long as nobody knows it, a replay leaves it where it is.
  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 0, unregistered: 12 });

  expect(await adoptDevice(redis, { device: 'new-1', room: 'r7' })).toMatchObject({ replayed: 6 });
  expect(await findDevice(redis, 'new-1')).toMatchObject({ site: 's1', deviceClass: 'sensor', room: 'r7' });
  // Seven readings and one that is out of range, in place of six messages.
  expect(await settled(14)).toMatchObject({ written: 7, quarantined: 7, duplicates: 0, late: 7 });
  expect(await readDeviceLedger(redis, 'new-1')).toMatchObject({
    received: 8,
    written: 7,
    quarantined: 1,
    gaps: 0,
  });
  const influx = await openInflux({ url: influxServer.url, bucket: 'campus' });
  const rows = await influx.query('SELECT * FROM sensor ORDER BY time');
  expect(rows.map((row) => row['co2_ppm'])).toEqual([600, 601, 602, 603, 604, 605, 606]);
  expect(rows[0]).toMatchObject({ device: 'new-1', room: 'r7', district: 'gaoming' });
  const reasons = (await listQuarantine(redis, { count: 100 })).map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === 'unknown_device')).toHaveLength(6);
  expect((await listUnknownDevices(redis)).map(({ device }) => device)).toEqual(['new-2']);
  await expect(adoptDevice(redis, { device: 'new-1' })).rejects.toMatchObject({ code: 'not_unknown' });
});
