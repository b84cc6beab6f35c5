import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { registerDevice } from '../../../devices/redis-registry.js';
import { readDeviceLedger, readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { encodeFrame } from '../../../ingest/log/frame.js';
import {
  listQuarantine,
  replayQuarantine,
  scanQuarantine,
  summarizeQuarantine,
} from '../../../ingest/quarantine/redis-quarantine.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import type { SettingName } from '../../../runtime/settings.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';
import { RoleProcess } from '../../support/role-process.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let influx: FakeInflux;
let redis: Redis;
let ingest: RoleProcess | undefined;
const now = Date.now();

beforeAll(async () => {
  [server, influx] = await Promise.all([startTestRedis(), FakeInflux.start('2.x')]);
  redis = new Redis(server.url);
});
beforeEach(async () => {
  await redis.flushall();
  await registerDevice(redis, { site: 's1', device: 'd1', deviceClass: 'sensor' });
});
afterEach(async () => ingest?.end());
afterAll(async () => {
  redis.disconnect();
  await Promise.all([server.stop(), influx.stop()]);
});

async function start(settings: Partial<Record<SettingName, string>>): Promise<void> {
  ingest = await RoleProcess.start('ingest', {
    REDIS_URL: server.url,
    INFLUX_URL: influx.url,
    INFLUX_TOKEN: 'secret',
    INFLUX_ORG: 'bureau',
    LOG_SHARDS: '1',
    ...settings,
  });
}

/** An entry of the log each, as the broker under light load would write them. */
async function append(payloads: readonly string[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const payload of payloads) {
    const topic = 'campus/v1/s1/sensor/d1/telemetry';
    const record = {
      kind: 'message',
      arrivedAt: now,
      client: 'd1',
      topic,
      payload: Buffer.from(payload),
    } as const;
    pipeline.incr(redisKeys.appended(0)).xadd(redisKeys.log(0), '*', 'f', encodeFrame([record]));
  }
  await pipeline.exec();
}
const rubbish = (from: number, count: number, padding = '') =>
  Array.from({ length: count }, (_, i) => `rubbish ${from + i}${padding}`);
const bad = (seq: number) => ({ ts: now - 9000 + seq, seq, boot: 'b', m: { co2_ppm: -1 } });

const settled = (received: number) =>
  eventually('everything to be settled', async () => {
    const ledger = await readLedger(redis);
    return ledger.pending === 0 && ledger.received === received && ledger;
  });
const kept = async () => {
  const payloads: string[] = [];
  for await (const { payload } of scanQuarantine(redis)) payloads.push(payload.toString());
  return payloads;
};

test('above its count the oldest of the quarantine expire, are counted by reason, and the ledger adds up', async () => {
  await start({ QUARANTINE_COUNT: '100' });
  await append([
    `[${Array.from({ length: 150 }, (_, seq) => JSON.stringify(bad(seq))).join()}]`,
    ...rubbish(0, 79),
  ]);
  await settled(229);
  const warnings = async () => (await readRoleReports(redis)).flatMap(({ warning }) => warning ?? []);
  // Eighty entries: nothing is lost yet, and somebody is told.
  expect(await eventually('a warning', async () => (await warnings())[0])).toMatch(/shard 0 is 80 % full/);
  expect(await readLedger(redis)).toMatchObject({ quarantined: 229, expired: 0 });

  const oldest = (await listQuarantine(redis, { count: 1000 })).at(-1);
  expect(oldest).toMatchObject({ reason: 'out_of_range', count: 150 });
  await append(rubbish(79, 71));
  await eventually('it to be within its bounds', async () => (await kept()).length === 100);
  const sum = { received: 300, quarantined: 100, expired: 200, duplicates: 0, gaps: 0 };
  expect(await settled(300)).toMatchObject({ ...sum, unaccounted: 0 });
  expect(await readDeviceLedger(redis, 'd1')).toMatchObject(sum);
  expect(await kept()).toEqual(rubbish(50, 100));
  expect(await summarizeQuarantine(redis)).toMatchObject({
    items: 100,
    reasons: [
      { reason: 'not_json', held: 100, expired: 50 },
      { reason: 'out_of_range', held: 0, expired: 150 },
    ],
  });
  await eventually('the metrics to say so', async () => {
    const metrics = (await readRoleReports(redis)).flatMap((report) => report.metrics);
    const values = metrics.find(({ name }) => name === 'pc_quarantine_expired_total')?.values ?? [];
    return values.some(({ value, labels }) => value === 150 && labels['reason'] === 'out_of_range');
  });

  // What has expired can not be replayed, and nothing else is sent instead of it.
  expect(await replayQuarantine(redis, { ids: [oldest?.id ?? ''] })).toMatchObject({
    replayed: 0,
    unknownIds: [oldest?.id],
  });
  // What is replayed and still not understood comes back, within the bounds.
  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 100 });
  expect(
    await eventually('them to come back', async () => (await kept()).length === 100 && (await kept())),
  ).toEqual(rubbish(50, 100));
  expect(await settled(300)).toMatchObject({ ...sum, unaccounted: 0 });
});

test('above its bytes, too', async () => {
  await start({ QUARANTINE_BYTES: '200000' });
  await append(rubbish(0, 50, '.'.repeat(10_000)));
  await settled(50);
  await eventually(
    'it to be within its bounds',
    async () => (await summarizeQuarantine(redis)).bytes <= 200_000,
  );
  const { quarantined, expired, unaccounted } = await settled(50);
  expect([quarantined, quarantined + expired, unaccounted]).toEqual([(await kept()).length, 50, 0]);
  expect(quarantined).toBeGreaterThan(15);
  // Of an empty quarantine nothing is held.
  expect((await replayQuarantine(redis, {})).replayed).toBe(quarantined);
  expect((await kept())[0] ?? 'rubbish 49').toMatch(/^rubbish/);
});

test('an ingest killed at any moment while messages expire and are replayed counts each of them once', async () => {
  const settings = { QUARANTINE_COUNT: '200' };
  for (let round = 0; round < 3; round++) {
    await start(settings);
    await append(rubbish(round * 400, 400));
    // Somewhere between the first and the last checkpoint of the round.
    await eventually('the first of them', async () =>
      (await kept()).some((payload) => Number(payload.slice(8)) >= round * 400 + 100 * round),
    );
    const replay = replayQuarantine(redis, {});
    await ingest?.end();
    await replay;
  }
  await start(settings);
  const ledger = await settled(1200);
  expect(ledger).toMatchObject({ written: 0, duplicates: 0, unaccounted: 0 });
  await eventually('it to be within its bounds', async () => (await readLedger(redis)).quarantined === 200);
  const payloads = await kept();
  expect(new Set(payloads).size).toBe(200);
  expect(await readLedger(redis)).toMatchObject({
    received: 1200,
    quarantined: 200,
    expired: 1000,
    unaccounted: 0,
  });
  expect((await summarizeQuarantine(redis)).reasons).toEqual([
    { reason: 'not_json', held: 200, expired: 1000 },
  ]);
});
