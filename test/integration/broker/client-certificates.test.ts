import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { createAuthority, issueCertificate, readCertificate } from '../../../cli/ca/certificate-authority.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { claimCredentials, issueClaimToken } from '../../../devices/redis-claims.js';
import { revokeCertificates } from '../../../devices/redis-certificates.js';
import { issueCredentials, revokeCredentials } from '../../../devices/redis-credentials.js';
import { loadRegistry, replaceRegistry } from '../../../devices/redis-registry-snapshot.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { RoleContext } from '../../../runtime/role.js';
import { TestCertificates, validDays } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let certificates: TestCertificates;
let context: RoleContext;
let tlsPort: number;
let wssPort: number;

beforeAll(async () => {
  certificates = await TestCertificates.create();
  server = await startTestRedis();
  redis = new Redis(server.url);
  [tlsPort, wssPort] = [await freePort(), await freePort()];
  context = createTestContext(
    { redisUrl: server.url },
    {
      MQTT_PORT: '0',
      MQTT_TLS_PORT: String(tlsPort),
      MQTT_WSS_PORT: String(wssPort),
      // Not a part of what closes connections in time here: that is the feed.
      RECHECK_S: '3600',
      ...certificates.settings,
    },
  );
  await startBroker(context);
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
  await certificates.remove();
});

const register = (device: string) => issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });

interface Attempt {
  readonly code: number | 'closed';
  readonly socket: TLSSocket;
}

/** CONNECT over TLS 1.2 or 1.3; tells the return code, or that the connection was closed without one. */
async function attempt(clientId: string, options: ConnectionOptions, username?: string): Promise<Attempt> {
  const ca = certificates.authority.certificate;
  const socket = connectTls({ port: tlsPort, host: '127.0.0.1', servername: 'localhost', ca, ...options });
  socket.on('error', () => undefined);
  socket.write(
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      ...(username === undefined ? {} : { username }),
    }),
  );
  const code = await new Promise<Attempt['code']>((resolve) => {
    socket.once('data', (connack: Buffer) => resolve(connack[3] ?? 'closed'));
    socket.once('close', () => resolve('closed'));
  });
  return { code, socket };
}

async function limited(reason: string): Promise<number> {
  const metric = await context.metrics.getSingleMetric('pc_mqtt_limited_total')?.get();
  return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'over %s a certificate stands in for the password',
  async (version) => {
    const device = `cert-${version}`;
    await register(device);
    const pair = await certificates.device(device);
    const options = { ...pair, minVersion: version, maxVersion: version };
    expect((await attempt(device, options)).code).toBe(0);
    expect((await attempt(device, options, device)).code).toBe(0);
    expect((await attempt(device, options, 'somebody-else')).code).toBe(5);
    expect((await attempt('another', options)).code).toBe(5);
  },
);

test('who came with a certificate once, of whatever CA, can not be claimed by who has a token of its site', async () => {
  await registerDevice(redis, { site: 's1', device: 'cert-only', deviceClass: 'sensor' });
  const { kept } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 9 });
  expect((await attempt('cert-only', await certificates.device('cert-only'))).code).toBe(0);
  const request = { serial: 'SN-1' };
  const from = { tokenId: kept.id, deviceClass: 'sensor', address: '127.0.0.1', via: 'http' } as const;
  const outcome = await claimCredentials(redis, { ...from, device: 'cert-only', request });
  expect(outcome).toMatchObject({ error: 'has_password' });
});

test('over WebSocket, too, and the device publishes', async () => {
  const { topicPrefix } = await register('cert-wss');
  const pair = await certificates.device('cert-wss');
  const options = { ca: certificates.authority.certificate, clientId: 'cert-wss', reconnectPeriod: 0 };
  const wsOptions = { ...pair, family: 4 };
  const client = await mqtt.connectAsync(
    `wss://localhost:${wssPort}/mqtt`,
    { ...options, ...pair, wsOptions },
    false,
  );
  await client.publishAsync(`${topicPrefix}telemetry`, '{}', { qos: 1 });
  await client.endAsync(true);
});

test('without a certificate the password is asked for', async () => {
  await register('no-cert');
  expect((await attempt('no-cert', {}, 'no-cert')).code).toBe(4);
});

test('a certificate of a device that is not registered, or is revoked as a whole, is refused', async () => {
  expect((await attempt('nobody', await certificates.device('nobody'))).code).toBe(4);
  await register('gone');
  const pair = await certificates.device('gone');
  await revokeCredentials(redis, 'gone');
  expect((await attempt('gone', pair)).code).toBe(5);
});

test('a certificate issued before its device was revoked stays out, whatever becomes of the device', async () => {
  await register('stolen');
  const stolen = await certificates.device('stolen');
  await revokeCredentials(redis, 'stolen');
  await register('stolen');
  expect((await attempt('stolen', stolen)).code).toBe(5);

  const snapshot = await loadRegistry(redis);
  expect(await replaceRegistry(redis, snapshot, { ...snapshot.registry, devices: new Map() })).toBe(true);
  expect((await attempt('stolen', stolen)).code).toBe(4);
  await registerDevice(redis, { site: 's1', device: 'stolen', deviceClass: 'sensor' });
  expect((await attempt('stolen', stolen)).code).toBe(5);

  const later = { notBefore: new Date(), notAfter: new Date(Date.now() + 3_600_000) };
  const replacement = await certificates.device('stolen', certificates.authority, later);
  expect((await attempt('stolen', replacement)).code).toBe(0);
});

test('expired, not yet valid, foreign, misused and nameless certificates close the connection, and are counted', async () => {
  await register('d1');
  const foreign = await createAuthority('Test CA', validDays());
  const { key, certificate: cert } = await issueCertificate(certificates.authority, {
    kind: 'server',
    commonName: 'd1',
    ...validDays(),
  });
  const before = await limited('client_certificate');
  const bad = {
    expired: await certificates.device('d1', certificates.authority, validDays(-2, -1)),
    'not yet valid': await certificates.device('d1', certificates.authority, validDays(1, 2)),
    foreign: await certificates.device('d1', foreign),
    "a server's": { key, cert },
    nameless: await certificates.device('d 1'),
  };
  for (const [what, pair] of Object.entries(bad)) {
    // Not even with the name of a device whose password is asked for otherwise.
    expect([what, (await attempt('d1', pair, 'd1')).code]).toEqual([what, 'closed']);
  }
  expect(await limited('client_certificate')).toBe(before + 5);
});

test('a revoked certificate closes its connection within 2 s and is not taken again, also on a resumed session', async () => {
  const { password } = await register('d2');
  const pair = await certificates.device('d2');
  const other = await certificates.device('d2');
  const sessions: Buffer[] = [];
  const first = connectTls({
    port: tlsPort,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: certificates.authority.certificate,
    ...pair,
  });
  first.on('session', (session: Buffer) => sessions.push(session));
  await once(first, 'secureConnect');
  await eventually('a session to resume', () => sessions.length > 0);
  first.destroy();

  const options = { ...pair, session: sessions[0] as Buffer };
  const resumed = await attempt('d2', options);
  expect(resumed.code).toBe(0);
  expect(resumed.socket.isSessionReused()).toBe(true);
  const closed = once(resumed.socket, 'close');
  const revokedAt = Date.now();
  await revokeCertificates(redis, 'd2', [readCertificate(pair.cert).serial]);
  await closed;
  expect(Date.now() - revokedAt).toBeLessThan(2000);
  expect((await attempt('d2', pair)).code).toBe(5);
  expect((await attempt('d2', options)).code).toBe(5);
  // What else the device has goes on: another certificate, and its password.
  expect((await attempt('d2', other)).code).toBe(0);
  const ca = certificates.authority.certificate;
  const login = { clientId: 'd2', username: 'd2', password, ca, reconnectPeriod: 0 };
  const client = await mqtt.connectAsync(`mqtts://localhost:${tlsPort}`, login, false);
  await client.endAsync(true);
});
