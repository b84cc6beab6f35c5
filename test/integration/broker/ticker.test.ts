import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Ticker } from '../../../broker/redis-ticker.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import { createClock } from '../../../runtime/clock.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { eventually } from '../../support/eventually.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
const tickers: Ticker[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  for (const ticker of tickers.splice(0)) await ticker.stop();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function startTicker(owner: string): Ticker {
  const ticker = new Ticker({
    log: new RedisLogWriter(redis),
    shards: 2,
    clock: createClock({ kind: 'wall' }),
    redis,
    logger: createLogger('test', 'silent'),
    owner,
  });
  tickers.push(ticker);
  return ticker;
}

async function kinds(shard = 0): Promise<string[]> {
  const entries = await new RedisLogReader(redis).readAfter(shard, '0-0', 1000);
  return entries.flatMap(({ records }) => records.map(({ kind }) => kind));
}

it('opens the log and then ticks, in every shard', async () => {
  startTicker('a');
  await eventually('two ticks', async () => (await kinds(1)).length >= 3);
  expect((await kinds(0)).slice(0, 3)).toEqual(['opened', 'tick', 'tick']);
});

it('does not open again after a restart that nobody could notice', async () => {
  const first = startTicker('a');
  await eventually('a tick', async () => (await kinds()).length >= 2);
  await first.stop();
  startTicker('b');
  await eventually('two more', async () => (await kinds()).length >= 4);
  expect((await kinds()).filter((kind) => kind === 'opened')).toHaveLength(1);
});

it('opens again when the log took nothing for a while, so that nobody is taken for silent', async () => {
  startTicker('a');
  await eventually('a tick', async () => (await kinds()).length >= 2);
  const before = (await kinds()).length;
  process.kill(server.pid, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  process.kill(server.pid, 'SIGCONT');
  const after = await eventually('time to go on', async () => {
    const later = (await kinds()).slice(before);
    return later.length >= 3 && later;
  });
  // The tick that was on its way when the log stopped was written before the outage.
  expect(after.slice(0, 2)).toContain('opened');
});

it('is done by one broker, and by another one soon after that one is gone without a word', async () => {
  const writes = async () => (await kinds()).length;
  await redis.set(redisKeys.tickLease, 'killed', 'PX', 3000);
  await redis.set(redisKeys.tickedAt, Date.now());
  startTicker('a');
  startTicker('b');
  expect(await writes()).toBe(0);
  await eventually('a successor', async () => (await writes()) >= 3);
  const owner = await redis.get(redisKeys.tickLease);
  expect(['a', 'b']).toContain(owner);
  const [from, at] = [await writes(), Date.now()];
  await eventually('some seconds', () => Date.now() - at > 3000);
  // One a second, not two.
  expect((await writes()) - from).toBeLessThanOrEqual(5);
});
