import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { decodeFrame } from '../../../ingest/log/frame.js';
import type { MessageRecord } from '../../../ingest/log/frame.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { publishPacket, RawClient } from '../../support/raw-client.js';
import { startTrialBroker } from '../../support/trial-broker.js';
import type { TrialBroker } from '../../support/trial-broker.js';

const mebibyte = 1024 * 1024;
let redis: Redis;
let broker: TrialBroker;
let port: number;

beforeAll(async () => {
  broker = await startTrialBroker({}, { INFLIGHT_BYTES: String(8 * mebibyte), LOG_SHARDS: '1' });
  redis = new Redis(broker.redis.url);
  port = broker.port;
});
afterEach(() => redis.del(redisKeys.log(0)));
afterAll(async () => {
  redis.disconnect();
  await broker.stop();
});

/** Ten devices send all of it at once, and every message is acknowledged; returns the log's frames. */
async function flood(name: string, topic: string | undefined, payload: string): Promise<readonly Buffer[]> {
  const clients = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const identity = { site: 's1', device: `${name}-${i}`, deviceClass: 'sensor' } as const;
      const { clientId, username, password, topicPrefix } = await issueCredentials(redis, identity);
      const client = await RawClient.connect(port, {
        clientId,
        username,
        password: Buffer.from(password),
        keepalive: 0,
      });
      return { client, own: `${topicPrefix}telemetry` };
    }),
  );
  await Promise.all(
    clients.map(async ({ client, own }) => {
      const ids = Array.from({ length: 60 }, (_, i) => i + 1);
      client.send(...ids.map((messageId) => publishPacket(topic ?? own, payload, { qos: 1, messageId })));
      for (const messageId of ids) expect(await client.next('puback')).toMatchObject({ messageId });
      client.destroy();
    }),
  );
  const entries = await redis.xrangeBuffer(redisKeys.log(0), '-', '+');
  return entries.map(([, fields]) => fields[1] ?? Buffer.alloc(0));
}

const largest = (frames: readonly Buffer[]) => Math.max(...frames.map(({ length }) => length));

test('what comes in at once is written in rounds that Redis takes in its time', async () => {
  const frames = await flood('payload', undefined, 'x'.repeat(60_000));
  expect(frames.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(30 * mebibyte);
  expect(largest(frames)).toBeLessThan(3 * mebibyte);
});

test('a long topic that is nobody’s counts with its bytes, and only its beginning is kept', async () => {
  const frames = await flood('topic', 'y'.repeat(60_000), '{}');
  const messages = frames.flatMap(decodeFrame).filter(({ kind }) => kind === 'message') as MessageRecord[];
  expect(messages).toHaveLength(600);
  for (const { topic, foreignTopic } of messages) {
    expect(foreignTopic).toBe(true);
    expect(topic).toBe('y'.repeat(512));
  }
  expect(largest(frames)).toBeLessThan(mebibyte);
});
