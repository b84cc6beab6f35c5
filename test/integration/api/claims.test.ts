import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { startApi } from '../../../dashboards/api/app.js';
import { findSecret } from '../../../devices/credential.js';
import { issueClaimToken, listClaims } from '../../../devices/redis-claims.js';
import { findKnown } from '../../../devices/redis-credentials.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { RoleContext } from '../../../runtime/role.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let context: RoleContext;
let url: string;
let token: string;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  context = createTestContext(
    { redisUrl: server.url },
    { HTTP_PORT: String(await freePort()), LOGIN_FAILURE_DELAY_S: '0.2' },
  );
  ({ url } = await startApi(context));
  await registerDevice(redis, { site: 's1', device: 'gw', deviceClass: 'gateway' });
  ({ text: token } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 2 }));
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

async function post(body: unknown): Promise<{ status: number; body: Record<string, string> }> {
  const response = await fetch(`${url}/api/v1/claims`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

test('an installer claims what to type into a device, and it is on record', async () => {
  const answer = await post({ token, device: 'h1', class: 'sensor', serial: 'SN-1', room: 'r1' });
  expect(answer).toMatchObject({ status: 201, body: { clientId: 'h1', username: 'h1' } });
  expect(answer.body['topicPrefix']).toBe('campus/v1/s1/sensor/h1/');
  const { credentials } = await findKnown(redis, 'h1');
  expect(findSecret(credentials, answer.body['password'] ?? '', Date.now())).toBeDefined();
  expect(await listClaims(redis, 1)).toMatchObject([
    { device: 'h1', serial: 'SN-1', via: 'http', address: '127.0.0.1', outcome: 'claimed' },
  ]);
});

test('what is not in order is answered with the status and the reason', async () => {
  const good = { token, device: 'h1', class: 'sensor', serial: 'SN-1' };
  const cases: [unknown, number, RegExp][] = [
    ['{"token":', 400, /JSON/i],
    [{}, 400, /"token"/],
    [{ ...good, device: 'a/b' }, 400, /device id/],
    [{ ...good, class: 'toaster' }, 400, /class/],
    [{ ...good, serial: 7 }, 400, /serial/],
    [{ ...good, serial: 'SN-2' }, 409, /another serial/],
    [{ ...good, class: 'ap' }, 409, /registered as sensor/],
    [{ ...good, token: `${token.slice(0, -4)}AAAA` }, 401, /unknown or has ended/],
    [{ ...good, token: 'admin' }, 401, /unknown or has ended/],
  ];
  for (const [body, status, detail] of cases) {
    const answer = await post(body);
    expect(answer).toMatchObject({ status, body: { status } });
    expect(answer.body['detail']).toMatch(detail);
  }
  expect(await listClaims(redis, 2)).toMatchObject(
    Array.from({ length: 2 }, () => ({ device: 'h1', address: '127.0.0.1', outcome: 'wrong_token' })),
  );
  expect((await post({ ...good, device: 'h2', serial: 'SN-2' })).status).toBe(201);
  expect((await post({ ...good, device: 'h3', serial: 'SN-3' })).status).toBe(403);
});

test('a claim that is no JSON by its header is answered with what to send', async () => {
  const response = await fetch(`${url}/api/v1/claims`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
  });
  expect(response.status).toBe(415);
  expect(await response.text()).toContain('content-type: application/json');
});

test('who tries tokens is slowed, and the right one is still taken at once', async () => {
  const wrong = { token: 'claim.aaaaaaaa.', device: 'h1', class: 'sensor', serial: 'SN-1' };
  const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await post(wrong)).status));
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect((await post({ ...wrong, token })).status).toBe(201);
});
