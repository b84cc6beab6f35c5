import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { announceMaintenance } from '../../../devices/redis-maintenance.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { Site } from '../../../devices/site.js';
import { Register } from '../../../ingest/redis-register.js';
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

test('a device is another one only when something of it changed, not with every maintenance or import', async () => {
  await registerDevice(redis, { site: 's1', device: 'd1', deviceClass: 'ap' });
  const register = await Register.load(redis, createLogger('test', 'silent'));
  const device = register.find('d1');
  expect(device?.place.stage).toBeUndefined();

  const [from, until] = [1000, 2000];
  const window = { site: 's1', room: undefined, device: undefined, from, until, reason: 'test' };
  await announceMaintenance(redis, window, { by: 'test', at: from });
  register.changed([{ kind: 'maintenance', id: 's1' }]);
  await eventually('the maintenance', () => register.windows.length > 0);
  expect(register.find('d1')).toBe(device);

  const { changes } = register;
  register.changed([{ kind: 'everything' }]);
  await eventually('everything to be read again', () => register.changes > changes);
  expect(register.find('d1')).toBe(device);

  const site = JSON.parse((await redis.hget(redisKeys.sites, 's1')) ?? '') as Site;
  await redis.hset(redisKeys.sites, 's1', JSON.stringify({ ...site, stage: 'primary' }));
  register.changed([{ kind: 'site', id: 's1' }]);
  await eventually('the stage', () => register.find('d1')?.place.stage === 'primary');
  expect(register.find('d1')).not.toBe(device);
  register.stop();
});
