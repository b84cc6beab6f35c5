import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Credentials } from '../../devices/credential.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { CampusProcess } from '../support/campus-process.js';
import { eventually } from '../support/eventually.js';

let campus: CampusProcess;

beforeAll(async () => {
  campus = await CampusProcess.start();
}, 120_000);
afterAll(() => campus.remove());

const connect = ({ clientId, username, password }: Credentials) =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${campus.mqttPort}`, { clientId, username, password }, false);

interface Item {
  readonly reason: string;
  readonly topic: string;
  readonly payload: string;
}

test('whatever a device sends is acknowledged, named in the quarantine, and does not hold up the good', async () => {
  const device = await campus.issue('school-1', 'odd-1');
  const client = await connect(device);
  const own = `${device.topicPrefix}telemetry`;
  const now = Date.now();
  let seq = 0;
  const reading = (change: object = {}) =>
    JSON.stringify({ ts: now - 60_000 + seq, seq: seq++, boot: 'b', m: { co2_ppm: 600 }, ...change });
  const bad: [reason: string, payload: string | Buffer, topic?: string][] = [
    ['not_json', 'hello'],
    ['not_json', ''],
    ['not_json', Buffer.from([0xff, 0xfe, 0x00])],
    ['not_json', '{"ts":1,"m":{"co2_ppm":NaN}}'],
    ['not_json', '{"ts":1,"m":{"co2_ppm":Infinity}}'],
    ['wrong_shape', `{"ts":${now},"m":{"co2_ppm":1e400}}`],
    ['wrong_shape', '{"hello":"world"}'],
    ['wrong_shape', '[]'],
    ['out_of_range', reading({ m: { co2_ppm: 65_535 } })],
    ['unknown_metric', reading({ m: { flux: 1 } })],
    ['ts_in_seconds', reading({ ts: Math.floor(now / 1000) })],
    ['clock_ahead', reading({ ts: now + 3_600_000 })],
    ['clock_behind', reading({ ts: now - 3650 * 86_400_000 })],
    ['payload_too_large', 'x'.repeat(1_100_000)],
    ['not_own_topic', reading(), 'campus/v1/school-1/sensor/another/telemetry'],
    ['not_own_topic', reading(), 'campus/v1/nowhere/sensor/odd-1/telemetry'],
    ['not_own_topic', reading(), 'hello'],
  ];
  for (const [, payload, topic = own] of bad) await client.publishAsync(topic, payload, { qos: 1 });
  const poison = Array.from({ length: 2000 }, () => client.publishAsync(own, '{', { qos: 1 }));
  // A retained telemetry is a telemetry; a backlog of 10,000 is 10,000 readings.
  const retained = client.publishAsync(own, reading(), { qos: 1, retain: true });
  const backlog = `[${Array.from({ length: 10_000 }, () => reading()).join()}]`;
  await Promise.all([...poison, retained, client.publishAsync(own, backlog, { qos: 1 })]);
  await client.endAsync();

  const written = 10_001;
  const ledger = await eventually('everything to be settled', async () => {
    const { ledger } = await campus.status();
    return ledger.pending === 0 && ledger.received >= bad.length + 2000 + written && ledger;
  });
  // The numbers of what went to other topics are nobody's: they are the gaps.
  expect(ledger).toMatchObject({ written, quarantined: bad.length + 2000, duplicates: 0 });
  expect(ledger.received).toBe(ledger.written + ledger.quarantined);

  const items = (await campus.json('quarantine', 'list', '--count', '3000')) as Item[];
  const count = (reasons: readonly string[]) => {
    const counts: Record<string, number> = {};
    for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
    return counts;
  };
  const poisoned = Array.from({ length: 2000 }, () => 'not_json');
  expect(count(items.map(({ reason }) => reason))).toEqual(
    count([...bad.map(([reason]) => reason), ...poisoned]),
  );
  // The bytes are kept as they came.
  const odd = items.find(({ payload }) => payload === Buffer.from([0xff, 0xfe, 0x00]).toString('base64'));
  expect(odd).toMatchObject({ reason: 'not_json', topic: own });

  const { influx } = await campus.status();
  const database = await openInflux({ url: influx.url, bucket: influx.database });
  expect(await database.query('SELECT count(co2_ppm) FROM sensor')).toMatchObject([{ count: written }]);
}, 120_000);

test('who has the wrong password, or another name than its own, is turned away', async () => {
  const device = await campus.issue('school-1', 'odd-2');
  for (const wrong of [
    { password: 'guess' },
    { password: '' },
    { username: 'odd-1' },
    { clientId: 'odd-1' },
    { username: 'nobody', clientId: 'nobody' },
  ]) {
    await expect(connect({ ...device, ...wrong })).rejects.toThrow(/Not authorized|Bad username or password/);
  }
  await (await connect(device)).endAsync();
});

test('a recording replayed from the command line is sent, acknowledged and stored, and the end says so', async () => {
  const before = (await campus.status()).ledger.written;
  const recording = 'simulators/data/uci-occupancy-datatraining.txt';
  const to = ['--site', 'school-1', '--device', 'replayed', '--speed', 'max'];
  const { stdout } = await campus.run('replay', recording, ...to);
  expect(stdout).toMatch(/Sent 8143, acknowledged 8143, in [\d.]+ s \(\d+\/s\)\./);
  expect(stdout).toMatch(/\d+ were older than 15 min.* stored and raise no alarm/);
  await eventually('all of it to be stored', async () => {
    const { ledger } = await campus.status();
    return ledger.pending === 0 && ledger.written === before + 8143;
  });
  expect(await campus.json('ledger', 'replayed')).toMatchObject({ received: 8143, written: 8143 });
}, 120_000);
