import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeRegistry } from '../../../cli/registry/change-registry.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { readPresence } from '../../../devices/redis-presence.js';
import { readTwin } from '../../../devices/redis-twin.js';
import { shardOf } from '../../../devices/site.js';
import { startIngest } from '../../../ingest/app.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const shard = shardOf('s1', 4);
const minute = 60_000;
let server: TestServer;
let redis: Redis;
let writer: RedisLogWriter;
let influx: FakeInflux;
let running: RoleContext | undefined;

beforeAll(async () => {
  [server, influx] = await Promise.all([startTestRedis(), FakeInflux.start('2.x')]);
  redis = new Redis(server.url);
  writer = new RedisLogWriter(redis);
});
afterAll(async () => {
  await running?.lifeCycle.stop();
  redis.disconnect();
  await Promise.all([server.stop(), influx.stop()]);
});

async function startJudge(): Promise<void> {
  running = createTestContext(
    { redisUrl: server.url, influxUrl: influx.url },
    { INFLUX_TOKEN: 'secret', INFLUX_ORG: 'bureau' },
  );
  await startIngest(running);
}
async function stopJudge(): Promise<void> {
  await running?.lifeCycle.stop();
  running = undefined;
}
const append = (record: LogRecord) => appendDurably(writer, shard, record);
const device = { site: 's1', device: 'co2-1', deviceClass: 'sensor' } as const;
const say = (arrivedAt: number) =>
  append({
    kind: 'message',
    arrivedAt,
    client: device.device,
    topic: 'campus/v1/s1/sensor/co2-1/telemetry',
    payload: Buffer.from(JSON.stringify({ ts: arrivedAt, seq: 1, boot: 'a', m: { co2_ppm: 600 } })),
  });
const tick = (arrivedAt: number) => append({ kind: 'tick', arrivedAt });
const outbox = async () =>
  (await redis.xrange(redisKeys.outbox(shard), '-', '+')).map(([, fields]) => {
    const { transition } = JSON.parse(fields[1] ?? '') as OutboxEntry;
    return `${transition.kind} ${transition.rule}`;
  });

test.each(['while nobody judges', 'while it is judged'])(
  'a device that is removed and registered again %s is a new one',
  async (when) => {
    const at = Date.now();
    await redis.flushall();
    const record = await registerDevice(redis, device);
    await startJudge();
    await say(at);
    for (let minutes = 1; minutes <= 120; minutes += 1) await tick(at + minutes * minute);
    // It has a history: it fell silent, and an alarm says so.
    await eventually('it to be missed', async () => {
      return (await readPresence(redis, record)).presence.state === 'offline';
    });
    await eventually('its alarm', async () => (await outbox()).some((line) => line.startsWith('raise')));
    const raised = await outbox();
    const reported = async () => (await readTwin(redis, device.device)).reported.own?.m;
    await eventually('what it reported to be kept', reported);
    if (when === 'while nobody judges') await stopJudge();
    await changeRegistry(redis, ({ devices, ...rest }) => {
      return { after: { ...rest, devices: new Map([...devices].filter(([id]) => id !== device.device)) } };
    });
    await registerDevice(redis, device);
    // At once, whether or not the ingest has heard of it or is even there.
    expect(await reported()).toBeUndefined();
    if (when === 'while nobody judges') await startJudge();
    await eventually(
      'what the old one reported to be forgotten',
      async () => (await redis.hexists(redisKeys.twins(shard), `d/${device.device}`)) === 0,
    );
    await tick(at + 130 * minute);
    await eventually('nothing to be known of it', async () => {
      const { state, since } = (await readPresence(redis, record)).presence;
      return state === 'unknown' && since === undefined;
    });
    // The one that is gone has no alarm any more, and the new one raises none by its silence.
    await tick(at + 131 * minute);
    await eventually(
      'the old alarm to be cleared',
      async () => (await redis.hlen(redisKeys.alarms(shard))) === 0,
    );
    expect((await outbox()).slice(raised.length).filter((line) => line.startsWith('raise'))).toEqual([]);
    await say(at + 132 * minute);
    await eventually('the new one to be online', async () => {
      return (await readPresence(redis, record)).presence.state === 'online';
    });
    await eventually('what the new one reports to be kept', reported);
    await stopJudge();
  },
  60_000,
);
