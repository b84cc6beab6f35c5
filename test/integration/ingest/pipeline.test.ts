import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { countAlarms } from '../../../alerts/redis-alarm-list.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { shardOf } from '../../../devices/site.js';
import { startIngest } from '../../../ingest/app.js';
import { readDeviceLedger, readLedger } from '../../../ingest/ledger/redis-ledger.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { appendDurably } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import {
  countQuarantine,
  listQuarantine,
  replayQuarantine,
} from '../../../ingest/quarantine/redis-quarantine.js';
import { adoptDevice } from '../../../ingest/quarantine/redis-unknown-devices.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { openInflux } from '../../../runtime/influx-connection.js';
import type { Influx } from '../../../runtime/influx-connection.js';
import { projectRoot } from '../../../runtime/project-root.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const now = Date.now();
let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
let influx: Influx;
let context: RoleContext;
let database = 0;

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
});
beforeEach(async () => {
  await redis.flushall();
  await issueCredentials(redis, {
    site: 's1',
    district: 'chancheng',
    device: 'd1',
    deviceClass: 'sensor',
    room: 'r1',
  });
  database++;
  influx = await openInflux({ url: influxServer.url, bucket: `campus${database}` });
  await start();
});
afterEach(() => context.lifeCycle.stop());

async function start(rules = join(import.meta.dirname, 'rules')): Promise<void> {
  context = createTestContext(
    { redisUrl: redisServer.url, influxUrl: influxServer.url },
    { INFLUX_BUCKET: `campus${database}`, RULES_DIR: rules, RULES_CATALOGUE: '0' },
  );
  await startIngest(context);
}

async function append(messages: readonly Partial<MessageRecord>[]): Promise<void> {
  const writer = new RedisLogWriter(redis);
  await Promise.all(
    messages.map((message) => {
      const client = message.client ?? 'd1';
      const topic = `campus/v1/s1/sensor/${client}/telemetry`;
      const blank = { kind: 'message', arrivedAt: now, client, topic, payload: Buffer.alloc(0) } as const;
      return appendDurably(writer, shardOf('s1', 4), { ...blank, ...message });
    }),
  );
}

const reading = (seq: number, more: object = {}) =>
  Buffer.from(
    JSON.stringify({ ts: now - 100_000 + seq, seq, boot: 'b', m: { co2_ppm: 600 + (seq % 100) }, ...more }),
  );
const readings = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ payload: reading(from + i) }));

const settled = () =>
  eventually('everything to be settled', async () => {
    const ledger = await readLedger(redis);
    return ledger.pending === 0 && ledger.received > 0 && ledger;
  });
const pointsOf = async (measurement = 'sensor') => {
  const [row] = await influx.query(`SELECT count(co2_ppm) FROM ${measurement}`);
  return Number(row?.['count'] ?? 0);
};

test('readings are stored with their tags and the ledger adds up', async () => {
  await append(readings(3000));
  expect(await settled()).toMatchObject({
    received: 3000,
    written: 3000,
    quarantined: 0,
    duplicates: 0,
    gaps: 0,
    late: 0,
  });
  expect(await pointsOf()).toBe(3000);
  const [row] = await influx.query('SELECT * FROM sensor LIMIT 1');
  expect(row).toMatchObject({
    device: 'd1',
    site: 's1',
    room: 'r1',
    district: 'chancheng',
    co2_ppm: 600,
    time: now - 100_000,
  });
});

test('what is sent twice is stored once and counted, whole gaps are counted, late readings are stored', async () => {
  await append([
    ...readings(10),
    ...readings(10),
    ...readings(5, 13),
    { payload: reading(99, { ts: now - 3_600_000, boot: 'a' }) },
  ]);
  expect(await settled()).toMatchObject({ received: 26, written: 16, duplicates: 10, gaps: 3, late: 1 });
  expect(await pointsOf()).toBe(16);
});

test('2,000 poison messages in a row are quarantined with their bytes and do not hold up the good ones', async () => {
  const poison = Array.from({ length: 2000 }, (_, i) => ({ payload: Buffer.from(`poison ${i}`) }));
  await append([...poison, ...readings(50)]);
  expect(await settled()).toMatchObject({ received: 2050, written: 50, quarantined: 2000 });
  const items = await listQuarantine(redis, { count: 5000 });
  expect(items).toHaveLength(2000);
  expect(new Set(items.map(({ payload }) => payload.toString())).size).toBe(2000);
  expect(items[0]).toMatchObject({
    reason: 'not_json',
    client: 'd1',
    topic: 'campus/v1/s1/sensor/d1/telemetry',
  });
});

test('a message nested a hundred thousand deep is quarantined with its bytes, and what follows is stored', async () => {
  const nested = '['.repeat(100_000) + ']'.repeat(100_000);
  const event = `{"ts":${now},"e":"radar","n":${nested}}`;
  const backlog = `[${reading(0).toString()},${nested},${reading(1).toString()}]`;
  const topic = 'campus/v1/s1/sensor/d1/';
  await append([
    { topic: `${topic}event`, payload: Buffer.from(event) },
    { topic: `${topic}state`, payload: Buffer.from(`{"s":"online","ts":${now},"n":${nested}}`) },
    { payload: Buffer.from(backlog) },
    ...readings(5, 2),
  ]);
  expect(await settled()).toMatchObject({ received: 10, written: 7, quarantined: 3 });
  const kept = (await listQuarantine(redis, { count: 10 })).map(({ payload }) => payload.toString());
  expect(kept).toContain(event);
  expect(kept).toContain(nested);
});

test('ten thousand bad readings of one message take a moment, not a minute', async () => {
  const bad = Array.from({ length: 10_000 }, (_, seq) => ({
    ts: Math.floor(now / 1000) + seq,
    seq,
    m: { co2_ppm: 600 },
  }));
  const payload = Buffer.from(
    JSON.stringify([
      ...bad.slice(0, 90),
      ...Array.from({ length: 9000 }, (_, i) => JSON.parse(reading(i).toString()) as object),
    ]),
  );
  await append([{ payload }, { payload: Buffer.from(JSON.stringify(bad)) }, ...readings(5, 9000)]);
  expect(await settled()).toMatchObject({ written: 9005 });
  const items = await listQuarantine(redis, { count: 1000, reason: 'ts_in_seconds' });
  expect(items).toHaveLength(91);
  expect(JSON.parse(items[5]?.payload.toString() ?? '')).toMatchObject({ m: { co2_ppm: 600 } });
});

test('a line InfluxDB refuses is quarantined alone, the rest of its batch is stored', async () => {
  await influx.write(`sensor,device=d1,district=chancheng,room=r1,site=s1 lux="dark" ${now}`);
  await append([...readings(200), { payload: reading(200, { m: { lux: 300 } }) }, ...readings(200, 201)]);
  expect(await settled()).toMatchObject({ received: 401, written: 400, quarantined: 1 });
  expect(await pointsOf()).toBe(400);
  expect(await listQuarantine(redis, { count: 10 })).toMatchObject([{ reason: 'influx_refused' }]);
});

test('of a backlog array the bad element is quarantined and the others are stored', async () => {
  const backlog = Array.from(
    { length: 10_000 },
    (_, i) => JSON.parse(reading(i).toString()) as { m: object },
  );
  (backlog[4000] as { m: object }).m = { co2_ppm: 99_999 };
  await append([{ payload: Buffer.from(JSON.stringify(backlog)) }]);
  expect(await settled()).toMatchObject({ received: 10_000, written: 9999, quarantined: 1 });
  const [item] = await listQuarantine(redis, { count: 10 });
  expect(JSON.parse(item?.payload.toString() ?? '')).toMatchObject({ seq: 4000 });
});

test('what is replayed from the quarantine is judged again and moves in the ledger', async () => {
  await influx.write(`sensor,device=d1,district=chancheng,room=r1,site=s1 lux="dark" ${now}`);
  await append([{ payload: reading(0, { m: { lux: 300 } }) }, { payload: Buffer.from('rubbish') }]);
  expect(await settled()).toMatchObject({ received: 2, written: 0, quarantined: 2 });
  await influx.query('DROP MEASUREMENT sensor');
  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 2 });
  await eventually('the replay to be settled', async () => (await readLedger(redis)).written === 1);
  expect(await settled()).toMatchObject({ received: 2, written: 1, quarantined: 1, late: 1 });
  expect(await listQuarantine(redis, { count: 10 })).toMatchObject([{ reason: 'not_json' }]);
  expect(await readDeviceLedger(redis, 'd1')).toMatchObject({ received: 2, written: 1, quarantined: 1 });
});

const bridged = (payload: object, more: Partial<MessageRecord> = {}): Partial<MessageRecord> => ({
  client: 'bridge:b',
  topic: 'campus/v1/s1/sensor/d1/telemetry',
  payload: Buffer.from(JSON.stringify(payload)),
  origin: { profile: 'campus', site: 's1', deviceClass: 'sensor', prefix: '', devices: [] },
  ...more,
});

test("what a bridge took is counted in the entries of its devices; what is nobody's in that of the bridge", async () => {
  const good = { ts: now - 5000, m: { co2_ppm: 600 } };
  await append([
    bridged([good, { ...good, ts: now - 4000, m: { co2_ppm: 99_999 } }, { ...good, ts: now - 3000 }]),
    bridged([], { payload: Buffer.from('rubbish') }),
  ]);
  expect(await settled()).toMatchObject({ received: 4, written: 2, quarantined: 2 });
  expect(await readDeviceLedger(redis, 'd1')).toMatchObject({ received: 3, written: 2, quarantined: 1 });
  expect(await readDeviceLedger(redis, 'bridge:b')).toMatchObject({ received: 1, quarantined: 1 });
});

test('a device that was not registered is quarantined as that, and its readings count once it is', async () => {
  const devices = [{ name: 'd1', id: 'new-1', trouble: 'unregistered' }] as const;
  const origin = { profile: 'campus', site: 's1', deviceClass: 'sensor', prefix: '', devices } as const;
  await append([bridged({ ts: now - 5000, m: { co2_ppm: 600 } }, { origin })]);
  expect(await settled()).toMatchObject({ received: 1, written: 0, quarantined: 1 });
  expect(await listQuarantine(redis, { count: 10 })).toMatchObject([
    { reason: 'unknown_device', device: 'new-1', site: 's1', deviceClass: 'sensor', client: 'bridge:b' },
  ]);
  await replayQuarantine(redis, { reason: 'unknown_device' });
  await eventually('it to come back', async () => (await listQuarantine(redis, { count: 10 })).length === 1);
  await issueCredentials(redis, { site: 's1', device: 'new-1', deviceClass: 'sensor' });
  await replayQuarantine(redis, { reason: 'unknown_device' });
  await eventually('the replay to be settled', async () => (await readLedger(redis)).written === 1);
  expect(await readDeviceLedger(redis, 'new-1')).toMatchObject({ received: 1, written: 1, quarantined: 0 });
});

test('a message that was quarantined whole becomes the readings it holds, each counted once', async () => {
  const payload = [
    { ts: now - 5000, m: { co2_ppm: 600 } },
    { ts: now - 4000, m: { co2_ppm: 601 } },
  ];
  const origin = { profile: 'gone', site: 's1', deviceClass: 'sensor', prefix: '', devices: [] } as const;
  await append([bridged(payload, { origin })]);
  expect(await settled()).toMatchObject({ received: 1, quarantined: 1 });
  const [item] = await listQuarantine(redis, { count: 1 });
  expect(item).toMatchObject({ reason: 'unknown_profile', device: 'bridge:b' });
  // The profile is there now: the same as the item with a profile that is.
  const mended = { ...origin, profile: 'campus' };
  await redis.del(redisKeys.quarantine(shardOf('s1', 4)));
  await append([bridged(payload, { origin: { ...mended, countedAs: 'bridge:b' }, replayed: true })]);
  await eventually('the replay to be settled', async () => (await readLedger(redis)).written === 2);
  expect(await readLedger(redis)).toMatchObject({ received: 2, written: 2, quarantined: 0 });
  expect(await readDeviceLedger(redis, 'd1')).toMatchObject({ received: 2, written: 2 });
});

const minute = 60_000;
/** CO2 in a full classroom: one reading a minute that arrives as it is measured. */
const stuffy = (minutes: number, co2: number, from: number) =>
  Array.from({ length: minutes }, (_, i) => {
    const ts = now - 3_600_000 + (from + i) * minute;
    return { arrivedAt: ts, payload: reading(from + i, { ts, m: { co2_ppm: co2, occupied: 1 } }) };
  });
const outbox = async () => {
  const rows = await redis.xrange(redisKeys.outbox(shardOf('s1', 4)), '-', '+');
  return rows.map(([, fields]) => JSON.parse(fields[1] ?? '') as OutboxEntry);
};

test('a large array of rubbish is one item in quarantine, and the ledger counts each element once', async () => {
  const bad = (n: number) => ({ ts: now - 9000 + n, seq: n, boot: 'b', m: { co2_ppm: -1 } });
  const payload = Buffer.from(
    JSON.stringify([
      ...Array.from({ length: 5000 }, (_, n) => bad(n)),
      ...Array.from({ length: 5000 }, () => 0),
      { ts: now - 4000, seq: 5000, boot: 'b', m: { co2_ppm: 700 } },
    ]),
  );
  await append([{ payload }]);
  expect(await settled()).toMatchObject({ received: 10_001, written: 1, quarantined: 10_000, gaps: 0 });
  expect(await listQuarantine(redis, { count: 10 })).toHaveLength(1);

  // Sent again: what has a number is known.
  await append([{ payload }]);
  const again = { received: 20_002, written: 1, quarantined: 15_000, duplicates: 5001 };
  await eventually('the repeat', async () => (await settled()).received === again.received);
  expect(await readLedger(redis)).toMatchObject(again);

  // Still wrong: it returns to where it was, and nothing is counted twice.
  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 2 });
  await eventually('the replay', async () => (await listQuarantine(redis, { count: 10 })).length === 2);
  expect(await settled()).toMatchObject(again);
  expect(await readDeviceLedger(redis, 'd1')).toMatchObject(again);
});

test('a replay leaves what would overwrite a reading, and what was cut, unless that is wanted', async () => {
  const at = (co2_ppm: number) => ({ ts: now - 50_000, m: { co2_ppm } });
  await append([{ payload: reading(0, at(600)) }]);
  await append([{ payload: reading(1, at(700)) }, { payload: Buffer.from('[[['), cutFrom: 5_000_000 }]);
  expect(await settled()).toMatchObject({ received: 3, written: 1, quarantined: 2 });
  const stored = async () => (await influx.query('SELECT co2_ppm FROM sensor')).map((row) => row['co2_ppm']);

  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 0, cut: 1, overwriting: 1 });
  const [item] = await listQuarantine(redis, { count: 1, reason: 'same_timestamp' });
  const ids = [item?.id ?? ''];
  expect(await replayQuarantine(redis, { ids })).toMatchObject({ replayed: 0, overwriting: 1 });
  expect(await replayQuarantine(redis, { ids: [...ids, '0:1-1'] })).toMatchObject({
    replayed: 0,
    unknownIds: ['0:1-1'],
  });
  expect(await countQuarantine(redis)).toEqual(
    new Map([
      ['same_timestamp', 1],
      ['payload_too_large', 1],
    ]),
  );
  expect(await stored()).toEqual([600]);

  expect(await replayQuarantine(redis, { ids, overwrite: true })).toMatchObject({ replayed: 1 });
  await eventually('the replay', async () => (await stored())[0] === 700);
});

test('while InfluxDB is away nothing is lost and alarms are raised; the log drains when it is back', async () => {
  await influxServer.kill();
  await append(stuffy(30, 2000, 0));
  await eventually('an alarm', async () => (await countAlarms(redis)).active > 0);
  expect(await readLedger(redis)).toMatchObject({ received: 30, written: 0, pending: 30 });
  await influxServer.restart();
  expect(await settled()).toMatchObject({ received: 30, written: 30 });
  expect(await pointsOf()).toBe(30);
  const log = redisKeys.log(shardOf('s1', 4));
  const [last] = await redis.xrevrange(log, '+', '-', 'COUNT', 1);
  await eventually('the log to be trimmed, but for what is young', async () => {
    // Time goes on by what is in the log.
    await append([{ payload: Buffer.from('{}') }]);
    return (await redis.xrange(log, '-', last?.[0] ?? '+')).length === 0;
  });
  expect(await redis.xlen(log)).toBeGreaterThan(0);
});

test('a stop and a start in the middle change nothing: each transition is in the outbox once', async () => {
  const story = [...stuffy(20, 2000, 0), ...stuffy(20, 500, 20), ...stuffy(15, 2000, 40)];
  for (let at = 0; at < story.length; at += 7) {
    await append(story.slice(at, at + 7));
    await context.lifeCycle.stop();
    await start();
  }
  expect(await settled()).toMatchObject({ received: 55, written: 55, duplicates: 0 });
  const entries = await eventually('three transitions of the act rule', async () => {
    const act = (await outbox()).filter(({ transition }) => transition.severity === 'major');
    return act.length >= 3 && act;
  });
  expect(entries.map(({ transition }) => transition.kind)).toEqual(['raise', 'clear', 'raise']);
  expect(new Set(entries.map(({ transition }) => transition.id)).size).toBe(3);
  expect(entries[0]?.alarm).toMatchObject({
    room: 'r1',
    district: 'chancheng',
    device: 'd1',
    state: 'active',
  });
});

test('two readings of one time, also out of order, are never written over each other; nor are two events', async () => {
  const topic = 'campus/v1/s1/sensor/d1/event';
  const event = (e: string, n: number) => ({
    topic,
    payload: Buffer.from(JSON.stringify({ ts: now - 1000, e, n })),
  });
  await append([
    { payload: reading(1) },
    { payload: reading(2) },
    { payload: reading(3, { ts: now - 100_000 + 1 }) },
    event('radar', 1),
    event('crash', 1),
    event('radar', 1),
    event('radar', 2),
    { topic, payload: Buffer.from(JSON.stringify({ ts: now + 86_400_000, e: 'crash' })) },
  ]);
  expect(await settled()).toMatchObject({ received: 8, written: 4, duplicates: 1, quarantined: 3, gaps: 0 });
  expect(await pointsOf()).toBe(2);
  expect(await influx.query('SELECT count(detail) FROM event')).toMatchObject([{ count: 2 }]);
  expect((await listQuarantine(redis, { count: 10 })).map(({ reason }) => reason).sort()).toEqual([
    'clock_ahead',
    'same_timestamp',
    'same_timestamp',
  ]);
});

test('a device that counts from zero again inside a backlog loses nothing', async () => {
  const backlog = Array.from({ length: 200 }, (_, i) => ({
    ts: now - 100_000 + i,
    seq: i % 80,
    m: { co2_ppm: 600 + i },
  }));
  const payload = Buffer.from(JSON.stringify(backlog));
  await append([{ payload }, { payload }]);
  expect(await settled()).toMatchObject({ received: 400, written: 200, duplicates: 200, gaps: 0 });
  expect(await pointsOf()).toBe(200);
});

test('a device can not have any number of parts', async () => {
  const part = (n: number) => ({ payload: reading(n, { m: {}, parts: { [`p${n}`]: { co2_ppm: 600 } } }) });
  await append(Array.from({ length: 100 }, (_, n) => part(n)));
  expect(await settled()).toMatchObject({ received: 100, written: 64, quarantined: 36, gaps: 0 });
  expect(await listQuarantine(redis, { count: 1 })).toMatchObject([{ reason: 'too_many_series' }]);
});

/** Twenty readings, and then as after a crash: InfluxDB has the second ten, the checkpoint does not. */
async function crashBehindWrite(): Promise<void> {
  await append(readings(10));
  await settled();
  const shard = shardOf('s1', 4);
  const key = redisKeys.store(shard);
  const older = await redis.hgetall(key);
  await append(readings(10, 10));
  await eventually('the rest to be written', async () => (await settled()).written === 20);
  await context.lifeCycle.stop();
  await redis.del(key);
  await redis.hset(key, older);
  // Settled entries may still be kept for those who listen.
  await redis.xtrim(redisKeys.log(shard), 'MAXLEN', 0);
  await append(readings(10, 10));
  await redis.decrby(redisKeys.appended(shard), 10);
  const [last] = await redis.xrevrange(redisKeys.log(shard), '+', '-', 'COUNT', 1);
  await redis.hset(key, '@writing', last?.[0] ?? '');
}

test('a device that moved between a write and its replay after a crash has its points once', async () => {
  await crashBehindWrite();
  await issueCredentials(redis, { site: 's1', device: 'd1', deviceClass: 'sensor', room: 'r2' });
  await start();
  await eventually('the replay', async () => (await settled()).written === 20);
  expect(await influx.query('SELECT count(co2_ppm) FROM sensor GROUP BY room')).toMatchObject([
    { room: 'r1', count: 20 },
  ]);
  await append(readings(5, 20));
  await eventually('what came after the move', async () => (await settled()).written === 25);
  expect(await influx.query('SELECT count(co2_ppm) FROM sensor GROUP BY room')).toMatchObject([
    { room: 'r1', count: 20 },
    { room: 'r2', count: 5 },
  ]);
});

/** As `campus registry remove` does. */
const remove = async (device: string) => {
  await redis.multi().hdel(redisKeys.devices, device).incr(redisKeys.registryVersion).exec();
};

test('what a removed device had in the log waits in quarantine, and is stored when it is adopted', async () => {
  await append(readings(5));
  await settled();
  await influxServer.kill();
  await context.lifeCycle.stop();
  const event = { topic: 'campus/v1/s1/sensor/d1/event', payload: Buffer.from(`{"ts":${now},"e":"crash"}`) };
  const backlog = Buffer.from(
    `[${[5, 6, 7].map((seq) => reading(seq).toString()).join()},{"ts":${now - 1},"m":{"no":1}}]`,
  );
  await append([{ payload: backlog }, ...readings(5, 8), event]);
  await remove('d1');
  await influxServer.restart();
  await start();
  // Five written before; a backlog is one message, whatever is in it.
  await eventually('the rest', async () => (await settled()).quarantined === 7);
  expect(await readLedger(redis)).toMatchObject({ received: 12, written: 5, quarantined: 7, unaccounted: 0 });
  expect(await pointsOf()).toBe(5);
  expect(await countQuarantine(redis)).toEqual(new Map([['unknown_device', 7]]));
  expect(await replayQuarantine(redis, {})).toMatchObject({ replayed: 0, unregistered: 7 });

  expect(await adoptDevice(redis, { device: 'd1', room: 'r9' })).toMatchObject({ replayed: 7 });
  await eventually('the replay', async () => (await settled()).written === 14);
  expect(await readLedger(redis)).toMatchObject({ received: 15, written: 14, quarantined: 1, gaps: 0 });
  expect(await influx.query('SELECT count(co2_ppm) FROM sensor GROUP BY room')).toMatchObject([
    { room: 'r1', count: 5 },
    { room: 'r9', count: 8 },
  ]);
});

test('a device that was removed between a write and its replay after a crash has its points once', async () => {
  await crashBehindWrite();
  // These were never taken up.
  await append(readings(10, 20));
  await remove('d1');
  await start();
  await eventually('the replay', async () => (await settled()).quarantined === 10);
  expect(await readLedger(redis)).toMatchObject({
    received: 30,
    written: 20,
    quarantined: 10,
    unaccounted: 0,
  });
  expect(await pointsOf()).toBe(20);
});

test('a message that the ledger lost track of is shown and not smoothed over', async () => {
  await append(readings(3));
  expect(await settled()).toMatchObject({ received: 3, written: 3, unaccounted: 0 });
  await redis.incrby(redisKeys.appended(shardOf('s1', 4)), 2);
  expect(await readLedger(redis)).toMatchObject({ received: 5, pending: 0, unaccounted: 2 });
  await redis.decrby(redisKeys.appended(shardOf('s1', 4)), 3);
  expect(await readLedger(redis)).toMatchObject({ received: 2, pending: 0, unaccounted: -1 });
});

test('an active alarm of a rule that was removed is cleared at the next start, and says why', async () => {
  await append(stuffy(30, 2000, 0));
  await eventually('alarms', async () => (await countAlarms(redis)).active > 0);
  await settled();
  const raised = await outbox();
  await context.lifeCycle.stop();
  await start(join(projectRoot, 'rules/catalogue'));
  await eventually('the alarms to be cleared', async () => (await countAlarms(redis)).active === 0);
  const [last] = (await outbox()).slice(-1);
  expect(last).toMatchObject({
    transition: { id: `${raised[0]?.alarm.id}~clear`, kind: 'clear', reason: 'rule_removed', evidence: {} },
    alarm: { state: 'cleared', reason: 'rule_removed' },
  });
  expect(await outbox()).toHaveLength(2 * raised.length);
});
