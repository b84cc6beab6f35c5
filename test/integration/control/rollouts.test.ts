import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRolloutWorker } from '../../../alerts/control/bullmq-rollout-worker.js';
import type { RolloutWorker } from '../../../alerts/control/bullmq-rollout-worker.js';
import { RedisCity } from '../../../alerts/control/redis-city.js';
import { orderCommand } from '../../../alerts/control/redis-order.js';
import type { Order } from '../../../alerts/control/redis-order.js';
import {
  abortRollout,
  changeRollout,
  createRollout,
  findRollout,
  readStanding,
} from '../../../alerts/control/redis-rollouts.js';
import type { WantedRollout } from '../../../alerts/control/redis-rollouts.js';
import { verifyRedisAudit } from '../../../cli/audit/verify-audit.js';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Device } from '../../../devices/device.js';
import { decideApproval, findApproval, requestApproval } from '../../../devices/redis-approvals.js';
import { findCommand, listCommands } from '../../../devices/redis-command-list.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { findDevice } from '../../../devices/redis-registry.js';
import { resumeAll, stopAll } from '../../../devices/redis-stop-all.js';
import type { RolloutState } from '../../../devices/rollout.js';
import { startIngest } from '../../../ingest/app.js';
import { AppError } from '../../../runtime/app-error.js';
import { createClock } from '../../../runtime/clock.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

// A minute is 0.6 s; the clock stands at eight in the evening, so that it is night before a test takes an hour of it.
const spec = {
  kind: 'simulated',
  originAt: Date.parse('2026-03-02T20:00:00+08:00'),
  anchorAt: Date.now(),
  speed: 100,
} as const;
const clock = createClock(spec);
const hours = 3_600_000;
const log = createLogger('test', 'silent');

let servers: TestServer[];
let redis: Redis;
let url: string;
let city: RedisCity;
let port: number;
const roles: RoleContext[] = [];
const clients: MqttClient[] = [];
const workers: { worker: RolloutWorker; connections: Redis[] }[] = [];

function connectRedis(): Redis {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  connection.on('error', () => undefined);
  return connection;
}

beforeAll(async () => {
  const [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  servers = [redisServer, influxServer];
  url = redisServer.url;
  redis = connectRedis();
  city = new RedisCity(redis, 'Asia/Shanghai');
  port = await freePort();
  for (const start of [startBroker, startIngest]) {
    const context = createTestContext(
      { redisUrl: url, influxUrl: influxServer.url },
      { MQTT_PORT: String(port) },
      spec,
    );
    roles.push(context);
    await start(context);
  }
  // Two of them look after every rollout.
  for (let i = 0; i < 2; i++) {
    const connections = [connectRedis(), connectRedis()] as const;
    const parts = { redis: connections[1], clock, city: new RedisCity(connections[1], 'Asia/Shanghai') };
    workers.push({ worker: startRolloutWorker(connections[0], parts, log), connections: [...connections] });
  }
});
beforeEach(() => {
  site = `s${sites++}`;
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(async () => {
  for (const { worker, connections } of workers) {
    await worker.close();
    for (const connection of connections) connection.disconnect();
  }
  for (const { lifeCycle } of roles.reverse()) await lifeCycle.stop();
  // Whatever was done to it here, the record of it is whole.
  const verdict = await verifyRedisAudit(redis, [], 0);
  redis.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
  expect(verdict.problems).toEqual([]);
  expect(verdict.records).toBeGreaterThan(50);
});

let sites = 0;
let site = '';
let devices = 0;
/** In the order in which commands came, whoever got them. */
interface Heard {
  readonly device: string;
  readonly id: string;
}
type Answer = (id: string, answer: (ok: boolean) => void) => void;
const obey: Answer = (_id, answer) => answer(true);

/** Devices in rooms of their own, at this many sites, which answer as they are told to. */
async function connectAll(
  count: number,
  answers: readonly Answer[] = [],
  atSites = 1,
  deviceClass: Device['deviceClass'] = 'ap',
) {
  const heard: Heard[] = [];
  const connected: Device[] = [];
  for (let i = 0; i < count; i++) {
    const at = `${site}-${i % atSites}`;
    const wanted = { site: at, device: `d${devices++}`, deviceClass, room: `r${i}` };
    const { clientId, username, password, topicPrefix } = await issueCredentials(redis, wanted);
    const client = await mqtt.connectAsync(
      `mqtt://127.0.0.1:${port}`,
      { clientId, username, password, reconnectPeriod: 0 },
      false,
    );
    client.on('error', () => undefined);
    clients.push(client);
    client.on('message', (_topic, payload) => {
      const { id } = JSON.parse(payload.toString()) as { id: string };
      heard.push({ device: clientId, id });
      const act = answers[i] ?? obey;
      act(id, (ok) => client.publish(`${topicPrefix}ack`, JSON.stringify({ id, ok }), { qos: 1 }));
    });
    await client.subscribeAsync(`${topicPrefix}cmd`, { qos: 1 });
    const device = await findDevice(redis, clientId);
    if (device !== undefined) connected.push(device);
  }
  return { heard, devices: connected };
}

const create = (wanted: Partial<WantedRollout> & Pick<WantedRollout, 'devices'>) =>
  createRollout(
    redis,
    {
      deviceClass: 'ap',
      action: 'set_leds',
      args: { leds: 'off' },
      needsApproval: false,
      errorShare: 0.1,
      commandMs: 2 * hours,
      createdBy: '@li',
      expiresAt: clock.now() + 100 * hours,
      why: undefined,
      overrides: [],
      ...wanted,
    },
    clock.now(),
  );
const becomes = (id: string, state: RolloutState) =>
  eventually(
    `rollout ${id} to be ${state}`,
    async () => (await findRollout(redis, id)).state === state,
    40_000,
  );
const outcomes = async (id: string) =>
  [...(await readStanding(redis, id)).values()]
    .map((each) => (each === 'under_way' ? each : each.state))
    .sort();
const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof AppError ? `${error.code} ${error.message}` : String(error)),
  );
const order = (wanted: Partial<Order> & Pick<Order, 'device'>) =>
  orderCommand(
    redis,
    {
      kind: 'single',
      action: 'set_leds',
      args: { leds: 'off' },
      issuedBy: '@li',
      overrides: [],
      expiresAt: clock.now() + 2 * hours,
      ...wanted,
    },
    { city, clock },
  );

test('one first, then a tenth, then the rest; two workers, and each device hears it once', async () => {
  const { heard, devices: all } = await connectAll(11, [], 4);
  const { id } = await create({ devices: all });
  await eventually('the canary', () => heard.length >= 1);
  await becomes(id, 'done');
  expect(heard.map(({ device }) => device).sort()).toEqual(all.map((device) => device.id).sort());
  expect(heard[0]?.device).toBe(all[0]?.id);
  // The second wave are the next two, whichever of them came first.
  expect(
    heard
      .slice(1, 3)
      .map(({ device }) => device)
      .sort(),
  ).toEqual(
    all
      .slice(1, 3)
      .map((device) => device.id)
      .sort(),
  );
  expect(new Set(await outcomes(id))).toEqual(new Set(['done']));
}, 60_000);

test.each<[string, Partial<WantedRollout>, Answer, string]>([
  ['refuses', {}, (_id, answer) => answer(false), 'failed'],
  ['never answers', { commandMs: 60_000 }, () => undefined, 'failed'],
  [
    'says that it did it, twice, and does nothing',
    { action: 'set_channel', args: { radio: 'radio5', channel: 36 } },
    (_id, answer) => {
      answer(true);
      answer(true);
    },
    'failed',
  ],
])(
  'a canary that %s stops the rest',
  async (_what, wanted, answer, state) => {
    const { heard, devices: all } = await connectAll(4, [answer]);
    const { id } = await create({ devices: all, ...wanted });
    await becomes(id, 'stopped');
    expect(await outcomes(id)).toEqual([state]);
    expect(new Set(heard.map(({ device }) => device))).toEqual(new Set([all[0]?.id]));
    expect(new Set(heard.map((each) => each.id)).size).toBe(1);
    // Seen, and gone on with all the same: nobody hears it a second time.
    await changeRollout(redis, id, 'running', { at: clock.now(), by: '@li' });
    if (wanted.action === undefined && wanted.commandMs === undefined) {
      await becomes(id, 'done');
      expect(heard).toHaveLength(4);
    } else await abortRollout(redis, id, { at: clock.now(), by: '@li' });
  },
  60_000,
);

test('paused, nothing more is issued; aborted, what is under way is withdrawn', async () => {
  const held: (() => void)[] = [];
  const hold: Answer = (_id, answer) => held.push(() => answer(true));
  const { heard, devices: all } = await connectAll(5, [obey, hold, hold, hold, hold]);
  const { id } = await create({ devices: all });
  await eventually('the second wave', () => held.length === 1);
  await changeRollout(redis, id, 'paused', { at: clock.now(), by: '@li', why: 'lunch' });
  held[0]?.();
  await eventually(
    'its command to be done',
    async () => (await listCommands(redis, { device: all[1]?.id, count: 1 }))[0]?.state === 'done',
  );
  expect(heard).toHaveLength(2);
  await changeRollout(redis, id, 'running', { at: clock.now(), by: '@li' });
  // A tenth of the five is one at a time.
  await eventually('the third wave', () => held.length === 2);
  await eventually(
    'why it waits',
    async () => (await findRollout(redis, id)).waitsFor?.includes('1 of 5 devices of class ap') === true,
  );
  await abortRollout(redis, id, { at: clock.now(), by: '@li' });
  expect((await findCommand(redis, `${id}:${all[2]?.id ?? ''}`))?.state).toBe('cancelled');
  expect(await findCommand(redis, `${id}:${all[3]?.id ?? ''}`)).toBeUndefined();
  expect(await changeRollout(redis, id, 'running', { at: clock.now(), by: '@li' })).toBeUndefined();
  expect(heard).toHaveLength(3);
}, 60_000);

test('a rollout that takes a second person waits for one; what is altered afterwards is not sent', async () => {
  const { heard, devices: all } = await connectAll(3);
  const first = await create({ devices: all, needsApproval: true });
  const second = await create({ devices: all, needsApproval: true });
  const third = await create({ devices: all, needsApproval: true });
  const decide = (id: string, to: 'approved' | 'rejected', by: string) =>
    decideApproval(redis, id, { to, by, at: clock.now() });
  expect(await refused(decide(first.id, 'approved', '@li'))).toContain('takes a second person');
  await decide(second.id, 'rejected', '@wang');
  await becomes(second.id, 'aborted');
  expect(heard).toEqual([]);
  // Its arguments changed by one letter, in Redis, before it is approved.
  const altered = { ...(await findRollout(redis, third.id)), args: { leds: 'on' } };
  await redis.hset(redisKeys.rollouts, third.id, JSON.stringify(altered));
  await decide(third.id, 'approved', '@wang');
  await becomes(third.id, 'stopped');
  expect(heard).toEqual([]);
  await decide(first.id, 'approved', '@wang');
  await becomes(first.id, 'done');
  expect(heard).toHaveLength(3);
  expect(await findApproval(redis, first.id)).toMatchObject({ state: 'used', usedBy: `rollout:${first.id}` });
}, 60_000);

test('an approval is for exactly what was asked, by somebody else, in time, and once', async () => {
  const { heard, devices: all } = await connectAll(2, [], 1, 'gateway');
  const [gateway = { id: '' }, other = { id: '' }] = all;
  const args = { port: 'port7', enabled: false };
  const ask = (more: object = {}) =>
    requestApproval(
      redis,
      {
        action: 'set_port',
        args,
        targets: [{ device: gateway.id, removals: 0 }],
        sites: [`${site}-0`],
        requestedBy: '@li',
        expiresAt: clock.now() + 2 * hours,
        ...more,
      },
      clock.now(),
    );
  const agree = (id: string, by = '@wang') =>
    decideApproval(redis, id, { to: 'approved', by, at: clock.now() });
  const send = (approval: string | undefined, more: Partial<Order> = {}) =>
    order({ device: gateway.id, action: 'set_port', args, approval, ...more });
  const { id } = await ask();
  expect(await refused(send(undefined))).toContain('needs_approval');
  expect(await refused(send(id))).toContain('is pending');
  expect(await refused(send('nobody'))).toContain('is unknown');
  expect(await refused(agree(id, '@li'))).toContain('not_decidable');
  await agree(id);
  expect(await refused(agree(id))).toContain('is approved');
  expect(await refused(send(id, { args: { ...args, port: 'port8' } }))).toContain('is for something else');
  expect(await refused(send(id, { args: { ...args, enabled: true } }))).toContain('is for something else');
  expect(await refused(send(id, { device: other.id }))).toContain('is for something else');
  expect(await refused(send(id, { action: 'reboot', args: {} }))).toContain('is for something else');
  // However many try to use it at once, one does.
  const tries = await Promise.all(
    Array.from({ length: 5 }, (_, i) => refused(send(id, { id: `once-${i}` }))),
  );
  expect(tries.filter((outcome) => outcome === 'nothing')).toHaveLength(1);
  expect(tries.filter((outcome) => outcome.includes('is used'))).toHaveLength(4);
  const mine = tries.indexOf('nothing');
  expect(await send(id, { id: `once-${mine}` })).toMatchObject({ repeated: true });
  await eventually('the command', () => heard.length === 1);
  const late = await ask({ expiresAt: clock.now() + 60_000 });
  await agree(late.id);
  await eventually('it to expire', () => clock.now() > late.expiresAt);
  expect(await refused(send(late.id))).toContain('is expired');
  expect(await refused(agree((await ask({ expiresAt: clock.now() })).id))).toContain('is expired');
  expect(heard).toHaveLength(1);
}, 60_000);

test('however many order at once, no more go to a site than may', async () => {
  const { devices: all } = await connectAll(
    12,
    Array.from({ length: 12 }, (): Answer => () => undefined),
  );
  const connections = Array.from({ length: 6 }, connectRedis);
  const results = await Promise.all(
    all.map(({ id }, i) => {
      const own = connections[i % 6] ?? redis;
      return orderCommand(
        own,
        {
          kind: 'runbook',
          device: id,
          action: 'set_leds',
          args: { leds: 'off' },
          issuedBy: 'heal:x',
          incident: 'i-1',
          overrides: ['site', 'class_share'],
          expiresAt: clock.now() + 2 * hours,
        },
        { city: new RedisCity(own, 'Asia/Shanghai'), clock },
      );
    }),
  );
  for (const connection of connections) connection.disconnect();
  // A tenth of twelve is one, and a runbook sets nothing aside.
  expect(results.filter(({ kind }) => kind === 'issued')).toHaveLength(1);
  const [first] = results.flatMap((result) => (result.kind === 'refused' ? [result.refusal.guard] : []));
  expect(first).toBe('class_share');
}, 60_000);

test('stopped for the whole city: nothing is issued, nothing that waits is delivered, until it goes on', async () => {
  const { heard, devices: all } = await connectAll(1);
  const [device = { id: '' }] = all;
  await clients[0]?.endAsync(true);
  clients.length = 0;
  const waiting = await order({ device: device.id });
  await stopAll(redis, { by: '@li', at: clock.now(), why: 'smoke' });
  expect(await refused(order({ device: device.id }))).toBe(
    'stopped All commands are stopped (@li: smoke): see "campus command resume-all".',
  );
  const first = `${site}-0`;
  site += 'x';
  const { id } = await create({ devices: (await connectAll(1)).devices });
  const credentials = await issueCredentials(redis, {
    site: first,
    device: device.id,
    deviceClass: 'ap',
  });
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId: device.id,
    username: device.id,
    password: credentials.password,
  });
  clients.push(client);
  client.on('message', (_topic, payload) =>
    heard.push({ device: device.id, id: (JSON.parse(payload.toString()) as Heard).id }),
  );
  await client.subscribeAsync(`${credentials.topicPrefix}cmd`, { qos: 1 });
  await eventually(
    'the rollout to say so',
    async () => (await findRollout(redis, id)).waitsFor?.includes('smoke') === true,
  );
  expect(heard).toEqual([]);
  await resumeAll(redis, { by: '@li', at: clock.now(), why: 'aired' });
  await becomes(id, 'done');
  await eventually('what waited', () => heard.length === 1, 15_000);
  expect(waiting).toMatchObject({ kind: 'issued', command: { id: heard[0]?.id } });
}, 60_000);
