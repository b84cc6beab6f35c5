import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveFeed } from '../../../broker/redis-live-feed.js';
import { appendDurably, keptMs } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { eventually } from '../../support/eventually.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

test('who listens hears what is published from then on, and is told when some of it was gone before it was read', async () => {
  const own = new Redis(server.url);
  own.on('error', () => undefined);
  const heard: string[] = [];
  const missed: string[] = [];
  const feed = new LiveFeed<string>({
    redis: own,
    log: createLogger('test', 'silent'),
    route: ({ payload }) => heard.push(payload.toString()),
    onMissed: (listener) => missed.push(listener),
  });
  const writer = new RedisLogWriter(redis);
  const append = (text: string, site = 's1') =>
    appendDurably(writer, 0, {
      kind: 'message',
      arrivedAt: 0,
      client: 'd1',
      topic: `campus/v1/${site}/sensor/d1/event`,
      payload: Buffer.from(text),
    });
  // As the ingest: settles all there is and lets go of what is old.
  const settle = async () => {
    const [last] = await redis.xrevrange(redisKeys.log(0), '+', '-', 'COUNT', 1);
    for (const key of [redisKeys.store(0), redisKeys.judge(0), redisKeys.twins(0)])
      await redis.hset(key, '@cursor', last?.[0] ?? '0-0');
  };
  await append('before');
  await feed.join('operator', new Map([[0, new Set(['s1'])]]));
  await append('first');
  await append('of another site', 's2');
  await settle();
  await append('second');
  await settle();
  await eventually('both', () => heard.length === 2);

  own.disconnect();
  await append('gone');
  await settle();
  await redis.xtrim(redisKeys.log(0), 'MAXLEN', 0);
  await new Promise((resolve) => setTimeout(resolve, keptMs + 500));
  expect(missed).toEqual([]);
  await own.connect();
  await eventually('to be told', () => missed.length > 0);
  await append('third');
  await eventually('to hear on', () => heard.includes('third'));
  expect(heard).toEqual(['first', 'second', 'third']);
  expect(missed).toEqual(['operator']);
  feed.stop();
}, 30_000);
