import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Credentials } from '../../../devices/credential.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { connectClient } from '../../support/broker-client.js';
import type { TestClient } from '../../support/broker-client.js';
import { eventually } from '../../support/eventually.js';
import { startTrialBroker } from '../../support/trial-broker.js';
import type { TrialBroker } from '../../support/trial-broker.js';

let redis: Redis;
let broker: TrialBroker;
let port: number;
const clients: TestClient[] = [];

beforeAll(async () => {
  broker = await startTrialBroker({}, { LOGIN_FAILURES_PER_ADDRESS: '30', LOGIN_FAILURE_DELAY_S: '600' });
  redis = new Redis(broker.redis.url);
  port = broker.port;
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.mqtt.endAsync(true)));
});
afterAll(async () => {
  redis.disconnect();
  await broker.stop();
});

const issue = (device: string) => issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });

async function connect(login: Pick<Credentials, 'clientId' | 'username' | 'password'>): Promise<void> {
  clients.push(await connectClient(port, login, { connectTimeout: 60_000 }));
}

/** The return code, or `waiting` as long as there is none. */
function tries(clientId: string, password: string): { code: number | 'waiting' } {
  const outcome: { code: number | 'waiting' } = { code: 'waiting' };
  connect({ clientId, username: clientId, password }).catch((error: unknown) => {
    outcome.code = (error as { code?: number }).code ?? -1;
  });
  return outcome;
}

async function callsOf(command: string): Promise<number> {
  const stats = await redis.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

test('a crowd that comes at once is looked up in a few round trips', async () => {
  const crowd = await Promise.all(Array.from({ length: 100 }, (_, i) => issue(`crowd-${i}`)));
  const before = await callsOf('hmget');
  process.kill(broker.redis.pid, 'SIGSTOP');
  const connected = Promise.all(crowd.map(connect));
  try {
    await eventually('all to have a socket', async () => (await broker.metric('pc_mqtt_sockets')) === 100);
    await new Promise((resolve) => setTimeout(resolve, 500)); // and to have sent their CONNECT
  } finally {
    process.kill(broker.redis.pid, 'SIGCONT');
  }
  await connected;
  // Each look-up is two of them, and those who came first were looked up in ones and twos.
  expect((await callsOf('hmget')) - before).toBeLessThan(40);
});

test('the same wrong password again and again asks Redis once', async () => {
  await issue('stubborn');
  await new Promise((resolve) => setTimeout(resolve, 300)); // the feed has told of it
  const outcomes = [tries('stubborn', 'wrong')];
  await eventually('the first refusal', () => outcomes[0]?.code === 4);
  const before = await callsOf('hmget');
  for (let i = 0; i < 40; i++) outcomes.push(tries('stubborn', 'wrong'));
  await eventually('most refusals', () => outcomes.filter(({ code }) => code === 4).length > 30);
  expect((await callsOf('hmget')) - before).toBeLessThan(5);
});

test('behind one address where many fail, the right passwords get in, and new ones do', async () => {
  const school = await Promise.all(Array.from({ length: 60 }, (_, i) => issue(`school-${i}`)));
  const hostile = Array.from({ length: 120 }, (_, i) => tries(`school-${i % 60}`, `wrong-${i}`));
  await eventually(
    'the address to be slowed',
    async () => (await broker.metric('pc_login_slowed_total')) > 50,
  );
  await Promise.all(school.map(connect));
  // Also who was wrong a moment ago and is right now.
  const given = await issue('school-0');
  for (let i = 0; i < 10; i++) tries('school-0', 'wrong');
  await connect(given);
  const held = await broker.metric('pc_login_held_refusals');
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThanOrEqual(8);
  await eventually(
    'all but those held back to be refused',
    () => hostile.filter(({ code }) => code === 'waiting').length <= held,
  );
  expect(hostile.filter(({ code }) => code !== 4 && code !== 'waiting')).toEqual([]);
});
