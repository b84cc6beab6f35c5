import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countAlarms, listAlarms } from '../../../alerts/redis-alarm-list.js';
import { commitTransition, forgetCleared } from '../../../ingest/redis-alarm-records.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { RedisSentLedger } from '../../../alerts/redis-sent-ledger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { alarmEntry } from '../../support/alarm-entry.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { replyMapping: 'legacy' });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function commit(shard: number, wanted: Parameters<typeof alarmEntry>[0]): Promise<void> {
  const { transition, alarm } = alarmEntry(wanted);
  await redis.set(redisKeys.leaseToken(shard), 1);
  await commitTransition(redis, { shard, token: '1' }, transition, alarm, '1-0');
}

it('has no alarms on a Redis that no pipeline was started on', async () => {
  expect(await listAlarms(redis, 'all')).toEqual([]);
  expect(await countAlarms(redis)).toEqual({ active: 0, cleared: 0 });
});

it('lists the alarms of all shards, newest first, and counts them by state', async () => {
  await redis.set(redisKeys.shards, 3);
  await commit(2, { device: 'a', raisedAt: 1000 });
  await commit(0, { device: 'b', raisedAt: 2000 });
  await commit(2, { device: 'c', raisedAt: 3000 });
  await commit(2, { device: 'a', raisedAt: 1000, kind: 'clear' });
  const devices = async (which: 'active' | 'cleared' | 'all') =>
    (await listAlarms(redis, which)).map(({ device }) => device);
  expect(await devices('all')).toEqual(['c', 'b', 'a']);
  expect(await devices('active')).toEqual(['c', 'b']);
  expect(await devices('cleared')).toEqual(['a']);
  expect(await countAlarms(redis)).toEqual({ active: 2, cleared: 1 });
});

it('puts a transition out once, whatever is committed again after a crash', async () => {
  await redis.flushall();
  await redis.set(redisKeys.shards, 3);
  const story = [
    { device: 'a', raisedAt: 1000 },
    { device: 'a', raisedAt: 1000, kind: 'clear' as const },
    { device: 'a', raisedAt: 9_000_000 },
  ];
  for (let crash = 0; crash < 3; crash++) for (const transition of story) await commit(1, transition);
  const put = await redis.xrange(redisKeys.outbox(1), '-', '+');
  expect(put.map(([, fields]) => (JSON.parse(fields[1] ?? '') as OutboxEntry).transition.id)).toEqual([
    'co2-act~a~1000~raise',
    'co2-act~a~1000~clear',
    'co2-act~a~9000000~raise',
  ]);
  expect(await countAlarms(redis)).toEqual({ active: 1, cleared: 1 });
});

it('forgets the alarms that were cleared first, with a checkpoint, and no active one', async () => {
  await redis.flushall();
  await redis.set(redisKeys.shards, 1);
  for (let raisedAt = 1; raisedAt <= 8; raisedAt++) {
    await commit(0, { device: 'a', raisedAt });
    if (raisedAt < 8) await commit(0, { device: 'a', raisedAt, kind: 'clear' });
  }
  // Until then the log may be judged again, and all have to be known.
  expect(await redis.zcard(redisKeys.clearedOrder(0))).toBe(7);
  await forgetCleared(redis, { shard: 0, token: '1' }, 3);
  const kept = async (which: 'active' | 'cleared') =>
    (await listAlarms(redis, which)).map((alarm) => alarm.raisedAt);
  expect(await kept('cleared')).toEqual([7, 6, 5]);
  expect(await kept('active')).toEqual([8]);
  expect(await redis.zcard(redisKeys.clearedOrder(0))).toBe(3);
});

it('forgets mails that were settled long ago, and none that may still be on its way', async () => {
  const ledger = new RedisSentLedger(redis);
  await redis.hset(redisKeys.sent, {
    'old|a': 'sent 1000',
    'refused|a': 'refused 1000 550 no',
    'open|a': 'sending 1000',
  });
  await ledger.mark('new', 'a', 'sent');
  await ledger.forgetBefore(Date.now() - 60_000);
  expect((await redis.hkeys(redisKeys.sent)).sort()).toEqual(['new|a', 'open|a']);
});
