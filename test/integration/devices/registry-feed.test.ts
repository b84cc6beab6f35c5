import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueClaimToken, revokeClaimToken } from '../../../devices/redis-claims.js';
import {
  issueCredentials,
  revokeCredentials,
  rotateCredentials,
} from '../../../devices/redis-credentials.js';
import { commitChanges } from '../../../devices/redis-registry-changes.js';
import type { RegistryChange } from '../../../devices/redis-registry-changes.js';
import { RegistryFeed } from '../../../devices/redis-registry-feed.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { eventually } from '../../support/eventually.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let feed: RegistryFeed;
const heard: RegistryChange[] = [];
const everything = { kind: 'everything' };

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await commitChanges(redis, [{ kind: 'device', id: 'd0' }], noChange);
  feed = new RegistryFeed(server.url, createLogger('test', 'silent'), (changes) => heard.push(...changes));
  await eventually('the first word', () => heard.length > 0);
});
afterAll(async () => {
  await feed.stop();
  redis.disconnect();
  await server.stop();
});

const device = (id: string) => ({ site: 's1', device: id, deviceClass: 'sensor' as const });
const noChange = () => undefined;

test('a follower first hears that everything may have changed, then of each change', async () => {
  expect(heard.splice(0)).toEqual([everything]);
  await issueCredentials(redis, device('d1'));
  await issueCredentials(redis, device('d1'));
  await eventually('all changes', () => heard.length >= 4);
  expect(heard.splice(0)).toEqual([
    { kind: 'site', id: 's1' },
    { kind: 'device', id: 'd1' },
    { kind: 'credentials', id: 'd1' },
    { kind: 'credentials', id: 'd1' },
  ]);
});

test('what changes credentials alone leaves the version of the registry, and with it every cache', async () => {
  const before = await redis.get(redisKeys.registryVersion);
  await rotateCredentials(redis, 'd1', 0);
  const { kept } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 1 });
  await revokeClaimToken(redis, kept.id);
  await revokeCredentials(redis, 'd1');
  await eventually('all changes', () => heard.length >= 4);
  expect(heard.splice(0).map(({ kind }) => kind)).toEqual([
    'credentials',
    'claim_token',
    'claim_token',
    'credentials',
  ]);
  expect(await redis.get(redisKeys.registryVersion)).toBe(before);
});

test('registering again what is known changes nothing and tells nobody', async () => {
  const before = await redis.get(redisKeys.registryVersion);
  await registerDevice(redis, device('d1'));
  expect(await redis.get(redisKeys.registryVersion)).toBe(before);
  await registerDevice(redis, { ...device('d1'), room: 'r1' });
  await eventually('the change', () => heard.length > 0);
  expect(heard.splice(0)).toEqual([{ kind: 'device', id: 'd1' }]);
});

test('an import of thousands is told in one word, and the stream stays short', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ kind: 'device', id: `d${i}` }) as const);
  const before = await redis.xlen(redisKeys.registryChanges);
  await commitChanges(redis, many, noChange);
  await eventually('the change', () => heard.length > 0);
  expect(heard.splice(0)).toEqual([everything]);
  expect(await redis.xlen(redisKeys.registryChanges)).toBe(before + 1);
});

test('who can not keep up with the trimming hears that everything may have changed', async () => {
  process.kill(server.pid, 'SIGSTOP');
  const pending = Promise.all([
    commitChanges(redis, [{ kind: 'device', id: 'lost' }], noChange),
    commitChanges(redis, [{ kind: 'device', id: 'kept' }], noChange),
    redis.xtrim(redisKeys.registryChanges, 'MAXLEN', 1),
  ]);
  process.kill(server.pid, 'SIGCONT');
  await pending;
  await eventually('the word', () => heard.some(({ kind }) => kind === 'everything'));
  heard.splice(0);
});

test('after Redis was away, everything may have changed, and later changes are told again', async () => {
  await server.kill();
  await server.restart();
  await eventually('the word', () => heard.some(({ kind }) => kind === 'everything'));
  heard.splice(0);
  await eventually('a change to be named', async () => {
    await issueCredentials(redis, device('d1'));
    return heard.some(({ kind }) => kind === 'credentials');
  });
});
