import { mkdtemp, rm, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import type { IssuedCertificate } from '../../../cli/ca/certificate-store.js';
import { createProgram } from '../../../cli/program.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { claimCredentials, issueClaimToken } from '../../../devices/redis-claims.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-ca-'));
  server = await startTestRedis();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What `campus ca <args> --json` prints. */
async function ca(...args: string[]): Promise<unknown> {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const where = ['--data-dir', join(folder, 'var'), '--json'];
    await createProgram().parseAsync(['ca', ...args, ...where], { from: 'user' });
    return JSON.parse(print.mock.calls.map(([line]) => String(line)).join('\n'));
  } finally {
    print.mockRestore();
  }
}

test('a CA made, a device connected with its certificate, and revoked: with the verbs alone', async () => {
  await expect(ca('issue', 'ap-1', '--out', join(folder, 'ap-1'))).rejects.toThrow('campus ca init');
  const { key } = (await ca('init')) as { key: string };
  await expect(ca('init')).rejects.toThrow('There is a CA in');
  await ca('server', 'localhost', '127.0.0.1');
  const made = (await ca('issue', 'ap-1', '--out', join(folder, 'ap-1'))) as Record<
    'key' | 'certificate' | 'ca',
    string
  >;
  await expect(ca('issue', 'ap/1', '--out', folder)).rejects.toThrow('no device id');
  for (const file of [key, made.key, join(folder, 'var', 'ca', 'server.key')]) {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  }

  const port = await freePort();
  const redis = new Redis(server.url);
  await issueCredentials(redis, { site: 's1', device: 'ap-1', deviceClass: 'ap' });
  // Nothing but the port is set: the broker finds the files of the CA in its data folder.
  const context = createTestContext(
    { redisUrl: server.url },
    { DATA_DIR: join(folder, 'var'), MQTT_PORT: '0', MQTT_TLS_PORT: String(port) },
  );
  await startBroker(context);
  try {
    const client = await mqtt.connectAsync(`mqtts://localhost:${port}`, {
      clientId: 'ap-1',
      key: readFileSync(made.key),
      cert: readFileSync(made.certificate),
      ca: readFileSync(made.ca),
      reconnectPeriod: 0,
    });
    let closed = false;
    client.on('close', () => (closed = true)).on('error', () => undefined);
    const { revoked } = (await ca('revoke', 'ap-1', '--redis-url', server.url)) as { revoked: string[] };
    await eventually('the connection to be closed', () => closed);
    const listed = (await ca('list')) as IssuedCertificate[];
    expect(listed).toMatchObject([
      { kind: 'server', name: 'localhost' },
      { kind: 'device', name: 'ap-1', serial: revoked[0] },
    ]);
    expect(listed.map(({ revokedAt }) => revokedAt !== undefined)).toEqual([false, true]);
    await expect(ca('revoke', 'ap-1', '--redis-url', server.url)).rejects.toThrow('no valid certificate');
  } finally {
    await context.lifeCycle.stop();
    redis.disconnect();
  }
});

test('a device that has a certificate and no password can not be claimed by who has a token of its site', async () => {
  const redis = new Redis(server.url);
  await registerDevice(redis, { site: 's1', device: 'ap-2', deviceClass: 'ap' });
  await ca('issue', 'ap-2', '--out', join(folder, 'ap-2'), '--redis-url', server.url);
  const { kept } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 9 });
  const request = { serial: 'SN-1' };
  const from = { tokenId: kept.id, deviceClass: 'ap', address: '127.0.0.1', via: 'http' } as const;
  expect(await claimCredentials(redis, { ...from, device: 'ap-2', request })).toMatchObject({
    error: 'has_password',
    detail: 'Device "ap-2" has a certificate; choose another id.',
  });
  redis.disconnect();
});

test('a serial number that is none is refused, and one that the register does not know is said to be so', async () => {
  const revoke = (serial: string) => ca('revoke', 'ap-1', '--serial', serial, '--redis-url', server.url);
  await expect(revoke('co2-101')).rejects.toThrow('no serial number');
  expect(await revoke('00:ab:cd')).toEqual({ device: 'ap-1', revoked: ['ABCD'], unknown: ['ABCD'] });
});
