import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { startApi } from '../../../dashboards/api/app.js';
import type { Credentials } from '../../../devices/credential.js';
import { addAccount, rotateAccount } from '../../../devices/redis-accounts.js';
import { issueClaimToken } from '../../../devices/redis-claims.js';
import {
  issueCredentials,
  revokeCredentials,
  rotateCredentials,
} from '../../../devices/redis-credentials.js';
import type { RoleContext } from '../../../runtime/role.js';
import { connectClient } from '../../support/broker-client.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
const contexts: RoleContext[] = [];
let port: number;
let url: string;
let logged = '';
const secrets = new Set<string>();

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  port = await freePort();
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged += chunk.toString();
      done();
    },
  });
  const log = pino({ level: 'trace' }, sink);
  const contextOf = (settings: Parameters<typeof createTestContext>[1]) => {
    const context = { ...createTestContext({ redisUrl: server.url }, settings), log };
    contexts.push(context);
    return context;
  };
  await startBroker(contextOf({ MQTT_PORT: String(port) }));
  ({ url } = await startApi(contextOf({ HTTP_PORT: String(await freePort()) })));
});
afterAll(async () => {
  for (const context of contexts) await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
});

const secret = (text: string) => {
  secrets.add(text);
  return text;
};
const login = (device: string, password: string) =>
  connectClient(port, { clientId: device, username: device, password: secret(password) });

/** All that is or was in Redis: its append-only files. */
async function redisFiles(): Promise<string> {
  const [, folder = ''] = await redis.config('GET', 'dir');
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  const contents = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')),
  );
  return contents.join('\n');
}

test('after a whole session at the finest log level no secret is in a log or in Redis', async () => {
  const first = await issueCredentials(redis, { site: 's1', device: 'd1', deviceClass: 'sensor' });
  const device = await login('d1', first.password);
  await device.mqtt.publishAsync(`${first.topicPrefix}telemetry`, '{"ts":1}', { qos: 1 });
  const { credentials: next } = await rotateCredentials(redis, 'd1', 60_000);
  const rotated = await login('d1', next.password);
  await Promise.all(
    Array.from({ length: 5 }, (_, i) => login('d1', `wrong-password-number-${i}`).catch(() => undefined)),
  );
  await revokeCredentials(redis, 'd1');
  await eventually('the device to be dropped', () => rotated.closed);

  const { text: token } = await issueClaimToken(redis, { site: 's1', validMs: 60_000, uses: 5 });
  await expect(login('d2', `${token.slice(0, -3)}abc`)).rejects.toMatchObject({ code: 4 });
  const newcomer = await login('d2', token);
  await newcomer.subscribe('campus/v1/s1/sensor/d2/claimed');
  for (const serial of ['SN-2', 'SN-3']) {
    await newcomer.mqtt.publishAsync('campus/v1/s1/sensor/d2/claim', JSON.stringify({ serial }), { qos: 1 });
  }
  await eventually('both answers', () => newcomer.heard.length === 2);
  const claimed = JSON.parse(newcomer.heard[0]?.payload ?? '') as Credentials;
  await login('d2', claimed.password);

  const claim = (text: string) =>
    fetch(`${url}/api/v1/claims?token=${secret(text)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: text, device: 'd3', class: 'ap', serial: 'SN-3' }),
    });
  expect((await claim(`${token.slice(0, -3)}xyz`)).status).toBe(401);
  secret(((await (await claim(token)).json()) as Credentials).password);

  const account = await addAccount(redis, { name: 'watch', kind: 'operator', sites: ['s1'], districts: [] });
  const operator = await connectClient(port, account);
  await operator.subscribe('campus/v1/#');
  operator.mqtt.publish('campus/v1/s1/sensor/d1/telemetry', 'x', { qos: 1 });
  await eventually('the operator to be closed', () => operator.closed);
  for (const { password } of [account, await rotateAccount(redis, 'watch', 0)]) secret(password);

  const files = await redisFiles();
  expect(files).toContain('SN-2');
  expect(logged).toContain('CONNECT refused');
  expect(secrets.size).toBe(14);
  for (const each of secrets) {
    for (const form of [each, Buffer.from(each).toString('base64'), Buffer.from(each).toString('hex')]) {
      expect(files.includes(form), `Redis has ${each}`).toBe(false);
      expect(logged.includes(form), `a log has ${each}`).toBe(false);
    }
  }
});
