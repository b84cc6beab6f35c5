import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { countAlarms, listAlarms } from '../../../alerts/redis-alarm-list.js';
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

it('has no alarms on a Redis that no pipeline was started on', async () => {
  expect(await listAlarms(redis)).toEqual([]);
  expect(await countAlarms(redis)).toEqual({ active: 0, cleared: 0 });
});

it('lists the alarms of all shards, newest first, and counts them by state', async () => {
  await redis.set(redisKeys.shards, 3);
  const first = alarmEntry({ device: 'a', raisedAt: 1000, kind: 'clear' }).alarm;
  const second = alarmEntry({ device: 'b', raisedAt: 2000 }).alarm;
  const third = alarmEntry({ device: 'c', raisedAt: 3000 }).alarm;
  await redis.hset(redisKeys.alarms(0), second.id, JSON.stringify(second));
  await redis.hset(redisKeys.alarms(2), first.id, JSON.stringify(first), third.id, JSON.stringify(third));
  const devices = async (filter?: { active: boolean }) =>
    (await listAlarms(redis, filter)).map(({ device }) => device);
  expect(await devices()).toEqual(['c', 'b', 'a']);
  expect(await devices({ active: true })).toEqual(['c', 'b']);
  expect(await devices({ active: false })).toEqual(['a']);
  expect(await countAlarms(redis)).toEqual({ active: 2, cleared: 1 });
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
