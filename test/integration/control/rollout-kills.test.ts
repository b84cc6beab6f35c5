import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRolloutWorker } from '../../../alerts/control/bullmq-rollout-worker.js';
import { RedisCity } from '../../../alerts/control/redis-city.js';
import { createRollout, findRollout, readStanding } from '../../../alerts/control/redis-rollouts.js';
import type { Device } from '../../../devices/device.js';
import { listAudit } from '../../../devices/redis-audit.js';
import { findDevice } from '../../../devices/redis-registry.js';
import { createClock } from '../../../runtime/clock.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { connectDevice } from '../../../simulators/device-connection.js';
import { CampusProcess } from '../../support/campus-process.js';
import { eventually } from '../../support/eventually.js';

const clock = createClock({ kind: 'wall' });
let campus: CampusProcess;
let redis: Redis;
let url: string;
const clients: MqttClient[] = [];

beforeAll(async () => {
  campus = await CampusProcess.start();
  url = (await campus.status()).redis;
  redis = new Redis(url);
  redis.on('error', () => undefined);
});
afterAll(async () => {
  for (const client of clients) client.end(true);
  redis.disconnect();
  await campus.remove();
});

async function pidOf(role: string): Promise<number> {
  return (JSON.parse((await redis.hget(redisKeys.processes, role)) ?? '{}') as { pid?: number }).pid ?? 0;
}

/** Devices at sites of their own, three each, that take some time to answer and keep every id they are sent. */
async function connectAps(prefix: string, count: number, answerMs: number) {
  const received: string[] = [];
  const devices: Device[] = [];
  for (let i = 0; i < count; i++) {
    const credentials = await campus.issue(`${prefix}s${Math.floor(i / 3)}`, `${prefix}${i}`, 'ap');
    const client = await connectDevice({
      mqttUrl: `mqtt://127.0.0.1:${campus.mqttPort}`,
      credentials,
      onRefused: (error) => {
        throw error;
      },
    });
    clients.push(client);
    await client.subscribeAsync(`${credentials.topicPrefix}cmd`, { qos: 1 });
    client.on('message', (_topic, payload) => {
      const { id } = JSON.parse(payload.toString()) as { id: string };
      received.push(id);
      setTimeout(() => {
        client.publish(`${credentials.topicPrefix}ack`, JSON.stringify({ id, ok: true }), { qos: 1 });
      }, answerMs);
    });
    const device = await findDevice(redis, credentials.clientId);
    if (device !== undefined) devices.push(device);
  }
  return { received, devices };
}

const create = (devices: readonly Device[]) =>
  createRollout(
    redis,
    {
      deviceClass: 'ap',
      action: 'set_leds',
      args: { leds: 'blink' },
      devices,
      needsApproval: false,
      errorShare: 0,
      commandMs: 300_000,
      createdBy: '@li',
      expiresAt: clock.now() + 3_600_000,
      why: undefined,
      overrides: [],
    },
    clock.now(),
  );

async function expectEachOnce(id: string, devices: readonly Device[], received: readonly string[]) {
  const wanted = devices.map((device) => `${id}:${device.id}`).sort();
  expect([...received].sort()).toEqual(wanted);
  const issued = (await listAudit(redis, { areas: ['command'], count: 1000 })).filter(
    (record) => record.what === 'command.issued' && record.id.startsWith(id),
  );
  expect(issued.map((record) => record.id).sort()).toEqual(wanted);
  expect(
    [...(await readStanding(redis, id)).values()].every(
      (each) => each !== 'under_way' && each.state === 'done',
    ),
  ).toBe(true);
}

test('the worker killed again and again: each device gets the command once, and none is forgotten', async () => {
  const { received, devices } = await connectAps('a', 5, 300);
  const { id } = await create(devices);
  let kills = 0;
  const isDone = async () => (await findRollout(redis, id)).state === 'done';
  while (kills < 3 && !(await isDone())) {
    // At one moment of its steps or another.
    await sleep(200 + 450 * kills);
    const pid = await pidOf('alerts');
    process.kill(pid, 'SIGKILL');
    kills++;
    await eventually('the alerts role to be back', async () => ![0, pid].includes(await pidOf('alerts')));
  }
  expect(kills).toBeGreaterThan(1);
  await eventually('the rollout to be done', isDone, 60_000);
  await expectEachOnce(id, devices, received);
}, 120_000);

test('the worker stalled until its lock is lost, and another one in its place: still once each', async () => {
  const { received, devices } = await connectAps('b', 5, 300);
  const pid = await pidOf('alerts');
  const { id } = await create(devices);
  await eventually('it to be on its way', () => received.length >= 1);
  process.kill(pid, 'SIGSTOP');
  const connections = [
    new Redis(url, { maxRetriesPerRequest: null }),
    new Redis(url, { maxRetriesPerRequest: null }),
  ] as const;
  const parts = { redis: connections[1], clock, city: new RedisCity(connections[1], 'Asia/Shanghai') };
  const other = startRolloutWorker(connections[0], parts, createLogger('test', 'silent'));
  try {
    const before = received.length;
    await eventually('the other one to go on', () => received.length > before, 60_000);
    process.kill(pid, 'SIGCONT');
    await eventually(
      'the rollout to be done',
      async () => (await findRollout(redis, id)).state === 'done',
      60_000,
    );
    await expectEachOnce(id, devices, received);
  } finally {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was started anew meanwhile.
    }
    await other.close();
    for (const connection of connections) connection.disconnect();
  }
}, 150_000);
