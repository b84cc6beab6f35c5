import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { BrokerPulse } from '../../../broker/redis-broker-pulse.js';
import type { DirectoryEntry } from '../../../broker/redis-connection-directory.js';
import { Ticker } from '../../../broker/redis-ticker.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import { createClock } from '../../../runtime/clock.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { redisNow } from '../../../runtime/redis-time.js';
import { eventually } from '../../support/eventually.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
const log = createLogger('test', 'silent');

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
});
beforeEach(() => {
  // This machine's clock is an hour ahead of that of Redis and of the other brokers.
  const right = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => right() + 3_600_000);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

it("a broker with a wrong clock doesn't take the living for dead, nor the dead for living", async () => {
  const entry = (broker: string): DirectoryEntry => ({ device: `of-${broker}`, broker, number: 1 });
  const entries = ['alive', 'dead'].map(entry);
  // The living one beats by its own, right clock: far enough ahead that a stalled test is no reason to miss it.
  await redis.hset(redisKeys.brokers, 'alive', (await redisNow(redis)) + 60_000, 'dead', 0);
  const lost: string[] = [];
  const pulse = new BrokerPulse({
    redis,
    log,
    broker: 'wrong',
    graceMs: 1000,
    directory: {
      all: () => Promise.resolve(entries),
      remove: () => Promise.resolve(true),
      holds: () => true,
    },
    onLost: ({ broker }) => {
      lost.push(broker);
      return Promise.resolve();
    },
  });
  await eventually('a sweep', () => lost.includes('dead'));
  expect(lost).not.toContain('alive');
  const ownPulse = Number(await redis.hget(redisKeys.brokers, 'wrong'));
  expect(ownPulse).toBeLessThanOrEqual(await redisNow(redis));
  pulse.stop();
});

it('a broker with a wrong clock that takes the ticks over does not say that nobody could be heard', async () => {
  await redis.set(redisKeys.tickedAt, (await redisNow(redis)) + 60_000);
  const ticker = new Ticker({
    log: new RedisLogWriter(redis),
    shards: 1,
    clock: createClock({ kind: 'wall' }),
    redis,
    logger: log,
    owner: 'wrong',
  });
  const [first] = await eventually('a tick', async () => {
    const entries = await new RedisLogReader(redis).readAfter(0, '0-0', 10);
    return entries.length > 0 && entries.flatMap(({ records }) => records);
  });
  expect(first?.kind).toBe('tick');
  await ticker.stop();
});
