import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Arguments } from '../../../devices/action.js';
import type { Credentials } from '../../../devices/credential.js';
import { listAudit } from '../../../devices/redis-audit.js';
import { findCommand } from '../../../devices/redis-command-list.js';
import { issueCommand } from '../../../devices/redis-commands.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { createClock } from '../../../runtime/clock.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { connectDevice } from '../../../simulators/device-connection.js';
import { obeyCommands } from '../../../simulators/device-commands.js';
import { CampusProcess } from '../../support/campus-process.js';
import { eventually } from '../../support/eventually.js';

const clock = createClock({ kind: 'wall' });
let campus: CampusProcess;
let redis: Redis;
const clients: MqttClient[] = [];

beforeAll(async () => {
  campus = await CampusProcess.start();
  redis = new Redis((await campus.status()).redis);
  redis.on('error', () => undefined);
});
afterAll(async () => {
  for (const client of clients) client.end(true);
  redis.disconnect();
  await campus.remove();
});

/** The pid of a role, as the supervisor keeps it. */
async function pidOf(role: string): Promise<number> {
  const json = await redis.hget(redisKeys.processes, role);
  return (JSON.parse(json ?? '{}') as { pid?: number }).pid ?? 0;
}

async function kill(role: string): Promise<void> {
  const pid = await pidOf(role);
  process.kill(pid, 'SIGKILL');
  await eventually(`the ${role} to be started again`, async () => ![0, pid].includes(await pidOf(role)));
}

/** An access point that does as it is told, and counts. */
async function connectAp(
  credentials: Credentials,
  beforeActing: () => Promise<void> = () => Promise.resolve(),
) {
  const client = await connectDevice({
    mqttUrl: `mqtt://127.0.0.1:${campus.mqttPort}`,
    credentials,
    onRefused: (error) => {
      throw error;
    },
  });
  clients.push(client);
  const ap = { acts: [] as string[], received: 0 };
  client.on('message', () => ap.received++);
  let seq = 0;
  const act = async (action: string, args: Arguments) => {
    ap.acts.push(JSON.stringify({ action, args }));
    await beforeActing();
    const { channel } = args;
    const afterwards = () => {
      if (channel === undefined) return;
      const reading = { ts: clock.now(), seq: seq++, boot: 'a', parts: { radio5: { channel } } };
      client.publish(`${credentials.topicPrefix}telemetry`, JSON.stringify(reading), { qos: 1 });
    };
    return { ok: true, afterwards };
  };
  obeyCommands({ client, credentials, clock, act });
  return ap;
}

const issue = (device: string, action: string, args: Record<string, string | number>) =>
  issueCommand(
    redis,
    { device, action, args, issuedBy: 'test', expiresAt: clock.now() + 300_000 },
    clock.now(),
  ).then(({ command }) => command.id);
const isDone = async (id: string) => (await findCommand(redis, id))?.state === 'done';

test('the ingest killed again and again: each answer and each proof counts once, nothing is quarantined', async () => {
  const credentials = await Promise.all(
    ['k1', 'k2', 'k3', 'k4', 'k5'].map((id) => campus.issue('s1', id, 'ap')),
  );
  const aps = await Promise.all(credentials.map((each) => connectAp(each)));
  const ids: string[] = [];
  for (const channel of [36, 40]) {
    const round: string[] = [];
    const killed = sleep(300).then(() => kill('ingest'));
    for (const { clientId } of credentials) {
      round.push(await issue(clientId, 'set_channel', { radio: 'radio5', channel }));
      round.push(await issue(clientId, 'set_leds', { leds: 'blink' }));
      await sleep(100);
    }
    await killed;
    for (const id of round) await eventually(`command ${id} to be done`, () => isDone(id), 30_000);
    ids.push(...round);
  }
  expect(aps.map(({ acts }) => acts.length)).toEqual([4, 4, 4, 4, 4]);
  const audit = await listAudit(redis, { count: 10_000 });
  const times = (event: string) =>
    ids.map((id) => audit.filter(({ id: of, what }) => of === id && what === `command.${event}`).length);
  expect(new Set(times('issued'))).toEqual(new Set([1]));
  expect(new Set(times('answered'))).toEqual(new Set([1]));
  expect(times('shown').filter((count) => count === 1)).toHaveLength(10);
  expect(times('shown').filter((count) => count > 1)).toEqual([]);
  expect((await readLedger(redis)).quarantined).toBe(0);
});

test('the broker killed between delivery and answer: delivered again, done once', async () => {
  const credentials = await campus.issue('s2', 'k6', 'ap');
  let mayAnswer = false;
  const ap = await connectAp(credentials, () =>
    eventually('leave to answer', () => mayAnswer).then(() => undefined),
  );
  const id = await issue('k6', 'set_channel', { radio: 'radio5', channel: 40 });
  await eventually('the delivery', () => ap.received === 1);
  await kill('broker');
  await eventually('the second delivery', () => ap.received === 2);
  mayAnswer = true;
  await eventually('it to be done', () => isDone(id), 30_000);
  expect(ap.acts).toHaveLength(1);
  expect(await findCommand(redis, id)).toMatchObject({ attempts: 2 });
});
