import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { changeRegistry } from '../../../cli/registry/change-registry.js';
import { writeTableFiles } from '../../../cli/registry/table-files.js';
import { claimCredentials, issueClaimToken } from '../../../devices/redis-claims.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { loadRegistry, replaceRegistry } from '../../../devices/redis-registry-snapshot.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { Registry } from '../../../devices/registry.js';
import { diffRegistries } from '../../../devices/tables/diff-registries.js';
import { projectRoot } from '../../../runtime/project-root.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { createDemoRegistry } from '../../../simulators/city/demo-registry.js';
import { startCountingProxy } from '../../support/counting-proxy.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let folder: string;
const city = createDemoRegistry({ campuses: 100, seed: 7 });

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  folder = await mkdtemp(join(tmpdir(), 'campus-registry-'));
  await writeTableFiles(city, folder, 'gb18030');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await redis.flushall();
  await registerDevice(redis, { site: 'old', device: 'old-1', deviceClass: 'ap', room: 'r1' });
});

/** `campus registry import`, in a process of its own. */
function startImport(url: string) {
  const main = join(projectRoot, 'dist/cli/main.js');
  const child = spawn(process.execPath, [main, 'registry', 'import', folder, '--redis-url', url, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return { child, ended: once(child, 'close'), output: () => output, errors: () => errors };
}

/** What is registered: everything, or the one old device; a mixture fails the test. */
async function whatIsThere(): Promise<'old' | 'new'> {
  const { registry } = await loadRegistry(redis);
  if (registry.sites.size === 1 && registry.devices.size === 1 && registry.rooms.size === 1) return 'old';
  expect(registry.devices.size).toBe(17_201);
  expect(registry.rooms.size).toBe(5001);
  expect(registry.timetables.size).toBe(100);
  return 'new';
}

test('a city of 17,200 devices is imported by the command line as it was written', async () => {
  const { ended, output } = startImport(server.url);
  expect(await ended).toEqual([0, null]);
  expect(JSON.parse(output())).toMatchObject({
    applied: true,
    counts: { sites: { add: 100 }, devices: { add: 17_200, change: 0, remove: 0 } },
    problems: [],
  });
  expect(await whatIsThere()).toBe('new');
  const { registry } = await loadRegistry(redis);
  const changes = diffRegistries(city, registry);
  expect(changes.map(({ action, key }) => `${action} ${key}`)).toEqual([
    'add old',
    'add old/r1',
    'add old-1',
  ]);
});

test('killed in the middle of the import, the registry is the old one, and the next import is whole', async () => {
  for (const bytes of [100_000, 2_000_000]) {
    const kill = (pid: number | undefined) => process.kill(pid ?? 0, 'SIGKILL');
    const proxy = await startCountingProxy(Number(new URL(server.url).port), bytes, () => kill(child.pid));
    const { child, ended } = startImport(`redis://127.0.0.1:${proxy.port}`);
    expect(await ended).toEqual([null, 'SIGKILL']);
    await proxy.close();
    expect(await whatIsThere()).toBe('old');
  }
  expect(await startImport(server.url).ended).toEqual([0, null]);
  expect(await whatIsThere()).toBe('new');
});

test('when Redis is killed in the middle of the import, it has the old registry or the new one', async () => {
  const killed: Promise<void>[] = [];
  const proxy = await startCountingProxy(Number(new URL(server.url).port), 1_500_000, () =>
    killed.push(server.kill()),
  );
  const { ended, errors } = startImport(`redis://127.0.0.1:${proxy.port}`);
  expect(await ended).toEqual([1, null]);
  expect(errors()).toMatch(/^campus: The connection to Redis was lost/);
  await Promise.all(killed);
  await server.restart();
  await proxy.close();
  expect(await whatIsThere()).toBe('old');
}, 120_000);

test('a change by somebody else between reading and writing is not overwritten', async () => {
  const snapshot = await loadRegistry(redis);
  await registerDevice(redis, { site: 'old', device: 'old-2', deviceClass: 'ap' });
  expect(await replaceRegistry(redis, snapshot, { ...snapshot.registry, devices: new Map() })).toBe(false);
  expect((await loadRegistry(redis)).registry.devices.size).toBe(2);
  let asked = 0;
  const remove = (current: Registry) => {
    asked++;
    return { after: { ...current, devices: new Map() } };
  };
  await changeRegistry(redis, remove);
  expect(asked).toBe(1);
  expect((await loadRegistry(redis)).registry.devices.size).toBe(0);
});

test('devices that claim their credentials all the time hinder no import, and get them', async () => {
  const { kept } = await issueClaimToken(redis, { site: 'old', validMs: 600_000, uses: 10_000 });
  const claims: ReturnType<typeof claimCredentials>[] = [];
  const timer = setInterval(() => {
    const device = `claimed-${claims.length}`;
    const request = { serial: `SN-${claims.length}` };
    const from = { tokenId: kept.id, deviceClass: 'sensor', address: '127.0.0.1', via: 'http' } as const;
    claims.push(claimCredentials(redis, { ...from, device, request }));
  }, 200);
  const { ended, errors } = startImport(server.url);
  const [code] = (await ended) as [number];
  clearInterval(timer);
  expect(`${code} ${errors()}`).toBe('0 ');
  const outcomes = await Promise.all(claims);
  expect(outcomes.filter((outcome) => 'error' in outcome)).toEqual([]);
  const { registry } = await loadRegistry(redis);
  expect(registry.devices.size).toBe(17_201 + claims.length);
  expect(await redis.exists(redisKeys.registryHold)).toBe(0);
}, 120_000);

test('of two who register one id at two sites at once, one is told so', async () => {
  const other = new Redis(server.url);
  try {
    for (let i = 0; i < 20; i++) {
      const device = { device: `twice-${i}`, deviceClass: 'ap' } as const;
      const outcomes = await Promise.allSettled([
        issueCredentials(redis, { ...device, site: 's1' }),
        registerDevice(other, { ...device, site: 's2' }),
      ]);
      const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refusals).toMatchObject([{ reason: { code: 'device_elsewhere' } }]);
    }
  } finally {
    other.disconnect();
  }
});

test('with a device its credentials end, and those who follow the registry are told', async () => {
  await issueCredentials(redis, { site: 'old', device: 'old-1', deviceClass: 'ap' });
  const snapshot = await loadRegistry(redis);
  await replaceRegistry(redis, snapshot, { ...snapshot.registry, devices: new Map() });
  expect(await redis.hexists(redisKeys.credentials, 'old-1')).toBe(0);
  const [newest] = await redis.xrevrange(redisKeys.registryChanges, '+', '-', 'COUNT', 1);
  expect(newest?.[1]).toEqual(['kind', 'device', 'id', 'old-1']);
});
