import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerDevice } from '../../../devices/redis-registry.js';
import { shardOf } from '../../../devices/site.js';
import { startIngest } from '../../../ingest/app.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
let context: RoleContext;

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  for (const device of ['right', 'behind', 'ahead', 'backlog', 'rubbish', 'gas'])
    await registerDevice(redis, { site: 's1', device, deviceClass: 'sensor' });
  context = createTestContext({ redisUrl: redisServer.url, influxUrl: influxServer.url });
  await startIngest(context);
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
});

test('wrong clocks, refused readings and the worst air are alarms; a backlog after an outage is none', async () => {
  const start = Date.now() - 7_200_000;
  const at = (minute: number) => start + minute * 60_000;
  const records: LogRecord[] = [];
  const say = (client: string, arrivedAt: number, body: object) =>
    records.push({
      kind: 'message',
      arrivedAt,
      client,
      topic: `campus/v1/s1/sensor/${client}/telemetry`,
      payload: Buffer.from(JSON.stringify(body)),
    });
  for (let minute = 0; minute < 40; minute++) {
    const now = at(minute);
    say('right', now, { ts: now, m: { temp_c: 21 + (minute % 3) } });
    say('behind', now, { ts: now - 1_200_000, m: { temp_c: 21 } });
    say('ahead', now, { ts: now + 600_000, m: { temp_c: 21 } });
    say('rubbish', now, { ts: now, m: { temp_c: 65_535 } });
    say('gas', now, { ts: now, m: { co_mgm3: 150 } });
    // It was cut off for two hours, and sends what it kept, three readings a minute.
    for (let n = 0; n < 3; n++)
      say('backlog', now + n, { ts: now - 7_200_000 + (3 * minute + n) * 60_000, m: { temp_c: 20 } });
  }
  const writer = new RedisLogWriter(redis);
  const shard = shardOf('s1', 4);
  await Promise.all(records.map((record) => appendDurably(writer, shard, record)));
  const ids = await eventually('all alarms', async () => {
    const all = await redis.hkeys(redisKeys.alarms(shard));
    const found = all.filter((id) => /^(co-|device-)/.test(id));
    const { pending, received } = await readLedger(redis);
    return pending === 0 && received === records.length && found.length >= 4 && found;
  });
  expect(ids.map((id) => id.split('~').slice(0, 2).join(' ')).sort()).toEqual([
    'co-high gas',
    'device-clock-ahead ahead',
    'device-clock-behind behind',
    'device-readings-refused rubbish',
  ]);
});
