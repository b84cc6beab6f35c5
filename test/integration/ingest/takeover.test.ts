import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { countAlarms } from '../../../alerts/redis-alarm-list.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably, compareIds } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';
import { RoleProcess } from '../../support/role-process.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const minute = 60_000;
const t0 = Date.now() - 6 * 60 * minute;
let server: TestServer;
let influx: FakeInflux;
let redis: Redis;
let started: RoleProcess[] = [];

beforeAll(async () => {
  [server, influx] = await Promise.all([startTestRedis(), FakeInflux.start('2.x')]);
  redis = new Redis(server.url);
  await registerDevice(redis, { site: 's1', device: 'd1', deviceClass: 'sensor' });
});
afterEach(async () => {
  await Promise.all(started.map((ingest) => ingest.end()));
  started = [];
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all([server.stop(), influx.stop()]);
});

async function start(): Promise<RoleProcess> {
  const ingest = await RoleProcess.start('ingest', {
    REDIS_URL: server.url,
    INFLUX_URL: influx.url,
    INFLUX_TOKEN: 'secret',
    INFLUX_ORG: 'bureau',
    LOG_SHARDS: '1',
  });
  started.push(ingest);
  return ingest;
}

/** A minute of a full classroom each, from the given minute on. */
async function append(from: number, minutes: number, co2_ppm: number): Promise<void> {
  const writer = new RedisLogWriter(redis);
  for (let seq = from; seq < from + minutes; seq++) {
    const ts = t0 + seq * minute;
    const record: LogRecord = {
      kind: 'message',
      arrivedAt: ts,
      client: 'd1',
      topic: 'campus/v1/s1/sensor/d1/telemetry',
      payload: Buffer.from(JSON.stringify({ ts, seq, boot: 'b', m: { co2_ppm, occupied: 1 } })),
    };
    await appendDurably(writer, 0, record);
  }
}

const holder = async () =>
  (JSON.parse((await redis.get(redisKeys.lease(0))) ?? '{}') as { pid?: number }).pid;
const cursorOf = async (follower: 'store' | 'judge') =>
  (await redis.hget(redisKeys[follower](0), '@cursor')) ?? '0-0';
const outboxIds = async () => {
  const rows = await redis.xrange(redisKeys.outbox(0), '-', '+');
  return rows.map(([, fields]) => (JSON.parse(fields[1] ?? '') as OutboxEntry).transition.id);
};

test('a second ingest stands by, takes over from a stalled one, and what wakes up again does no harm', async () => {
  const first = await start();
  await append(0, 30, 2000);
  await eventually('the first to raise an alarm', async () => (await countAlarms(redis)).active > 0);
  const second = await start();
  await eventually('the second to say that it stands by', async () =>
    (await readRoleReports(redis)).some(
      ({ pid, note }) => pid === second.pid && note?.includes(String(first.pid)),
    ),
  );
  expect(await holder()).toBe(first.pid);

  // Stalled with work in its hands that no checkpoint holds yet.
  await append(30, 30, 2000);
  first.pause();
  await eventually('the second to take over', async () => (await holder()) === second.pid);
  await append(60, 30, 500);
  await eventually('the alarms to be cleared', async () => (await countAlarms(redis)).active === 0);
  await eventually('the second to checkpoint all', async () => (await readLedger(redis)).written === 90);
  const before = {
    store: await cursorOf('store'),
    judge: await cursorOf('judge'),
    outbox: await outboxIds(),
  };

  first.resume();
  await eventually('the first to notice and stand by', async () =>
    (await readRoleReports(redis)).some(
      ({ pid, note }) => pid === first.pid && note?.includes(String(second.pid)),
    ),
  );
  expect(await holder()).toBe(second.pid);
  expect(compareIds(await cursorOf('store'), before.store)).toBeGreaterThanOrEqual(0);
  expect(compareIds(await cursorOf('judge'), before.judge)).toBeGreaterThanOrEqual(0);
  expect(await outboxIds()).toEqual(before.outbox);
  expect(new Set(before.outbox).size).toBe(before.outbox.length);
  expect(await readLedger(redis)).toMatchObject({ received: 90, written: 90, duplicates: 0, gaps: 0 });

  // Killed, not stalled: nobody waits for its lease to run out.
  await second.end();
  await append(90, 30, 2000);
  await eventually('the first to go on', async () => (await readLedger(redis)).written === 120);
  expect(await holder()).toBe(first.pid);
  await eventually('an alarm again', async () => (await countAlarms(redis)).active > 0);

  await first.end('SIGTERM');
  expect(await redis.exists(redisKeys.lease(0))).toBe(0);
});
