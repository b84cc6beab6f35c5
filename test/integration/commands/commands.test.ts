import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startBroker } from '../../../broker/app.js';
import { changeRegistry } from '../../../cli/registry/change-registry.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { Command, CommandState } from '../../../devices/command.js';
import type { Credentials } from '../../../devices/credential.js';
import type { DeviceClass } from '../../../devices/device-class.js';
import { findCommand, listCommands } from '../../../devices/redis-command-list.js';
import { listAudit } from '../../../devices/redis-audit.js';
import {
  cancelCommand,
  changeCommand,
  forgetFinished,
  issueCommand,
} from '../../../devices/redis-commands.js';
import type { WantedCommand } from '../../../devices/redis-commands.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { readTwin } from '../../../devices/redis-twin.js';
import { findDevice } from '../../../devices/redis-registry.js';
import { shardOf } from '../../../devices/site.js';
import { startIngest } from '../../../ingest/app.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import { listQuarantine } from '../../../ingest/quarantine/redis-quarantine.js';
import { createClock } from '../../../runtime/clock.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readShardCount } from '../../../runtime/redis-shard-count.js';
import type { RoleContext } from '../../../runtime/role.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

// A minute is 0.6 s; what isn't about the expiry gets two hours.
const spec = {
  kind: 'simulated',
  originAt: Date.parse('2026-03-02T08:00:00+08:00'),
  anchorAt: Date.now(),
  speed: 100,
} as const;
const clock = createClock(spec);
const hours = 3_600_000;

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
const roles: RoleContext[] = [];
const ports: number[] = [];
const clients: MqttClient[] = [];

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  // Two brokers on one Redis: a device may be at either.
  for (const role of ['broker', 'broker', 'ingest'] as const) {
    const port = await freePort();
    const context = createTestContext(
      { redisUrl: redisServer.url, influxUrl: influxServer.url },
      { MQTT_PORT: String(port) },
      spec,
    );
    roles.push(context);
    if (role === 'ingest') await startIngest(context);
    else {
      await startBroker(context);
      ports.push(port);
    }
  }
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(async () => {
  for (const { lifeCycle } of roles.reverse()) await lifeCycle.stop();
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
});

let devices = 0;
const register = (deviceClass: DeviceClass = 'whiteboard') =>
  issueCredentials(redis, { site: `s${devices % 3}`, device: `d${devices++}`, deviceClass });

interface Device {
  readonly client: MqttClient;
  readonly received: (IPublishPacket & {
    readonly command: { id: string; action: string; expires: number };
  })[];
  readonly publish: (stream: string, message: object) => Promise<unknown>;
  readonly answer: (id: string, ok: boolean, result?: unknown) => Promise<unknown>;
}

/** A device that listens, and does nothing else by itself. */
async function connect(credentials: Credentials, broker = 0): Promise<Device> {
  const { clientId, username, password, topicPrefix } = credentials;
  const client = await mqtt.connectAsync(
    `mqtt://127.0.0.1:${ports[broker] ?? 0}`,
    { clientId, username, password, reconnectPeriod: 0 },
    false,
  );
  client.on('error', () => undefined);
  clients.push(client);
  const received: Device['received'] = [];
  client.on('message', (_topic, payload, packet) => {
    received.push({
      ...packet,
      command: JSON.parse(payload.toString()) as { id: string; action: string; expires: number },
    });
  });
  await client.subscribeAsync(`${topicPrefix}cmd`, { qos: 1 });
  const publish = (stream: string, message: object) =>
    client.publishAsync(topicPrefix + stream, JSON.stringify(message), { qos: 1 });
  return { client, received, publish, answer: (id, ok, result) => publish('ack', { id, ok, result }) };
}

let seq = 0;
const telemetry = (m: object) => ({ ts: clock.now(), seq: seq++, boot: 'a', m });

const issue = (device: string, wanted: Partial<WantedCommand> = {}) =>
  issueCommand(
    redis,
    {
      device,
      action: 'power_off',
      args: {},
      issuedBy: 'test',
      expiresAt: clock.now() + 2 * hours,
      ...wanted,
    },
    clock.now(),
  ).then(({ command }) => command);

const becomes = (id: string, state: CommandState): Promise<Command> =>
  eventually(`command ${id} to be ${state}`, async () => {
    const command = await findCommand(redis, id);
    return command?.state === state && command;
  });
const arrives = (device: Device, id: string, times = 1) =>
  eventually(`${id} to arrive ${times} times`, () => {
    const copies = device.received.filter(({ command }) => command.id === id);
    return copies.length >= times && copies;
  });
/** Long enough for what must not come: a look at the open commands is in it. */
const quietMs = 6000;

test('a command is delivered once at QoS 1, answered, and done when the reported state shows it', async () => {
  const credentials = await register();
  const device = await connect(credentials);
  await device.publish('telemetry', telemetry({ power: 'on' }));
  const { id, expiresAt } = await issue(credentials.clientId);
  const [copy] = await arrives(device, id);
  expect(copy).toMatchObject({
    qos: 1,
    retain: false,
    command: { id, action: 'power_off', args: {}, expires: expiresAt },
  });
  await becomes(id, 'delivered');
  await device.answer(id, true);
  await becomes(id, 'acknowledged');
  await device.publish('telemetry', telemetry({ power: 'standby' }));
  const done = await becomes(id, 'done');
  expect(done.history.map(({ state }) => state)).toEqual(['pending', 'delivered', 'acknowledged', 'done']);
  expect(done.history.at(-1)?.why).toBe('power is standby');
  expect(done.attempts).toBe(1);
  const audit = await listAudit(redis, {
    areas: ['command'],
    device: credentials.clientId,
    count: 10,
  });
  expect(audit.map(({ what, by }) => [what, by]).reverse()).toMatchObject([
    ['command.issued', 'test'],
    ['command.sent', expect.stringContaining('broker')],
    ['command.confirmed', 'device'],
    ['command.answered', 'device'],
    ['command.shown', 'device'],
  ]);
});

test('for a device that is away it waits, and goes out when the device comes, to whichever broker', async () => {
  const credentials = await register('ap');
  const { id } = await issue(credentials.clientId, { action: 'set_leds', args: { leds: 'off' } });
  expect((await findCommand(redis, id))?.state).toBe('pending');
  const device = await connect(credentials, 1);
  await arrives(device, id);
  await device.answer(id, true, { was: 'on' });
  expect(await becomes(id, 'done')).toMatchObject({ answer: { ok: true, result: '{"was":"on"}' } });
});

test('issued while the device is at the other broker, it is announced there', async () => {
  const credentials = await register('ap');
  const device = await connect(credentials, 1);
  const { id } = await issue(credentials.clientId, { action: 'scan' });
  await arrives(device, id);
});

test('unanswered, it is sent again after a reconnect, and never twice on one connection', async () => {
  const credentials = await register('ap');
  const first = await connect(credentials);
  const { id } = await issue(credentials.clientId, { action: 'scan' });
  await arrives(first, id);
  await becomes(id, 'delivered');
  await first.client.subscribeAsync(`${credentials.topicPrefix}cmd`, { qos: 1 });
  await sleep(quietMs);
  expect(first.received).toHaveLength(1);
  first.client.stream.destroy();
  const second = await connect(credentials, 1);
  await arrives(second, id);
  await second.answer(id, true);
  expect(await becomes(id, 'done')).toMatchObject({ attempts: 2 });
  second.client.stream.destroy();
  const third = await connect(credentials);
  await sleep(300);
  expect(third.received).toHaveLength(0);
});

test('several commands go out in their order, one after the other is confirmed', async () => {
  const credentials = await register('ap');
  const ids: string[] = [];
  for (const leds of ['on', 'off', 'blink', 'on', 'off']) {
    ids.push((await issue(credentials.clientId, { action: 'set_leds', args: { leds } })).id);
  }
  const device = await connect(credentials);
  await eventually('all to arrive', () => device.received.length === ids.length);
  expect(device.received.map(({ command }) => command.id)).toEqual(ids);
  for (const id of ids.toReversed()) await device.answer(id, true);
  for (const id of ids) await becomes(id, 'done');
});

test('expired, it is closed and never delivered', async () => {
  const credentials = await register();
  const { id } = await issue(credentials.clientId, { expiresAt: clock.now() + 30_000 });
  expect(await becomes(id, 'expired')).toMatchObject({ attempts: 0 });
  const device = await connect(credentials);
  await sleep(500);
  expect(device.received).toHaveLength(0);
  expect(await redis.hexists(redisKeys.commandsOpen, credentials.clientId)).toBe(0);
});

test('expired by our clock and not yet closed, it is not delivered either', async () => {
  const credentials = await register();
  const command = await issue(credentials.clientId, { expiresAt: clock.now() + 1 });
  // As if the ingest were behind: nobody has closed it.
  await redis.zadd(redisKeys.commandsDue(command.shard), clock.now() + 2 * hours, command.id);
  await eventually('the expiry', () => clock.now() > command.expiresAt);
  const device = await connect(credentials);
  await sleep(500);
  expect(device.received).toHaveLength(0);
  expect(await findCommand(redis, command.id)).toMatchObject({ state: 'pending', attempts: 0 });
  await changeCommand(redis, command.id, { kind: 'time', at: clock.now() });
});

test('what the device refuses, does not answer, or does not show is failed with the reason', async () => {
  const credentials = await register();
  const device = await connect(credentials);
  const refused = await issue(credentials.clientId, { action: 'set_volume', args: { volume_pct: 40 } });
  await arrives(device, refused.id);
  await device.answer(refused.id, false, 'no speaker');
  const failed = await becomes(refused.id, 'failed');
  expect(failed).toMatchObject({ failure: 'refused', history: [{}, {}, { why: 'no speaker' }] });

  const silent = await issue(credentials.clientId, { expiresAt: clock.now() + 600_000 });
  await arrives(device, silent.id);
  expect(await becomes(silent.id, 'failed')).toMatchObject({ failure: 'not_acknowledged' });

  const unseen = await issue(credentials.clientId);
  await arrives(device, unseen.id);
  await device.answer(unseen.id, true);
  await device.publish('telemetry', telemetry({ power: 'on' }));
  expect(await becomes(unseen.id, 'failed')).toMatchObject({ failure: 'not_shown' });
});

test('a reboot shows by a new boot id', async () => {
  const credentials = await register('ap');
  const device = await connect(credentials);
  await device.publish('telemetry', telemetry({ cpu_pct: 3 }));
  const { id } = await issue(credentials.clientId, { action: 'reboot' });
  await arrives(device, id);
  await device.answer(id, true);
  await becomes(id, 'acknowledged');
  await device.publish('telemetry', { ...telemetry({ cpu_pct: 4 }), boot: 'b' });
  expect((await becomes(id, 'done')).history.at(-1)?.why).toBe('boot id is b');
});

test('the same id again is the same command; another command by that id is refused', async () => {
  const credentials = await register('ap');
  const device = await connect(credentials);
  const wanted = { id: 'heal~alarm~1', action: 'set_channel', args: { radio: 'radio5', channel: 36 } };
  const { id } = await issue(credentials.clientId, wanted);
  await issue(credentials.clientId, { ...wanted, args: { channel: 36, radio: 'radio5' } });
  await arrives(device, id);
  await device.answer(id, true);
  await becomes(id, 'acknowledged');
  await issue(credentials.clientId, { ...wanted, expiresAt: 0 });
  await sleep(300);
  expect(device.received).toHaveLength(1);
  await expect(
    issue(credentials.clientId, { ...wanted, args: { radio: 'radio5', channel: 40 } }),
  ).rejects.toMatchObject({
    code: 'command_id_taken',
  });
  expect(await listCommands(redis, { device: credentials.clientId, count: 10 })).toHaveLength(1);
});

test('a command that makes no sense is refused with what is wrong, and leaves nothing behind', async () => {
  const { clientId } = await register('ap');
  const cases: [string, Partial<WantedCommand>, string, RegExp][] = [
    [`${clientId}x`, {}, 'unknown_device', new RegExp(`Did you mean "${clientId}"`)],
    [clientId, { action: 'open_window' }, 'unknown_action', /set_channel/],
    [clientId, { action: 'factory_reset' }, 'denied_action', /never sent/],
    [
      clientId,
      { action: 'set_channel', args: { radio: 'radio5', channel: '36' } },
      'wrong_argument',
      /"channel"/,
    ],
    [clientId, { action: 'scan', expiresAt: clock.now() - 1 }, 'already_expired', /expired/],
    [clientId, { action: 'scan', id: 'not an id' }, 'bad_id', /letters/],
  ];
  for (const [device, wanted, code, message] of cases) {
    const attempt = issue(device, wanted);
    await expect(attempt).rejects.toMatchObject({ code });
    await expect(attempt).rejects.toThrow(message);
  }
  expect(await listCommands(redis, { device: clientId, count: 10 })).toEqual([]);
  await Promise.all(Array.from({ length: 20 }, () => issue(clientId, { action: 'scan' })));
  await expect(issue(clientId, { action: 'scan' })).rejects.toMatchObject({ code: 'too_many_commands' });
});

test('an answer to what was never issued, or to what another device was told, is quarantined', async () => {
  const [one, other] = [await register('ap'), await register('ap')];
  const { id } = await issue(one.clientId, { action: 'scan' });
  const device = await connect(other);
  const before = await readLedger(redis);
  await device.answer(id, true);
  await device.answer('no-such-command', true);
  await eventually('both to be settled', async () => {
    const { pending, received } = await readLedger(redis);
    return pending === 0 && received === before.received + 2;
  });
  const items = await listQuarantine(redis, { count: 100, reason: 'unknown_command' });
  expect(items.map(({ client }) => client)).toEqual([other.clientId, other.clientId]);
  expect((await findCommand(redis, id))?.state).toBe('pending');
});

test('cancelled, it is delivered no more, and what it wanted is wanted no longer', async () => {
  const credentials = await register('ap');
  const { id } = await issue(credentials.clientId, {
    action: 'set_channel',
    args: { radio: 'radio5', channel: 36 },
  });
  expect((await readTwin(redis, credentials.clientId)).delta).toEqual([
    { key: 'parts.radio5.channel', desired: 36 },
  ]);
  await cancelCommand(redis, id, 'wang', clock.now());
  expect((await readTwin(redis, credentials.clientId)).desired).toEqual({});
  const device = await connect(credentials);
  await sleep(300);
  expect(device.received).toHaveLength(0);
  await expect(cancelCommand(redis, id, 'wang', clock.now())).rejects.toMatchObject({
    code: 'not_cancellable',
  });
});

test('the twin holds what the device reported, what is wanted, and what is on its way', async () => {
  const credentials = await register('ap');
  const device = await connect(credentials);
  await device.publish('meta', { model: 'X1', firmware: '1.0', interval_s: 30 });
  await device.publish('state', { s: 'online', ts: clock.now() });
  await device.publish('telemetry', { ...telemetry({ cpu_pct: 3 }), parts: { radio5: { channel: 40 } } });
  const { id } = await issue(credentials.clientId, {
    action: 'set_channel',
    args: { radio: 'radio5', channel: 36 },
  });
  const twin = await eventually('the twin to know', async () => {
    const known = await readTwin(redis, credentials.clientId);
    return known.reported.parts !== undefined && known;
  });
  expect(twin).toMatchObject({
    device: { id: credentials.clientId, deviceClass: 'ap' },
    reported: {
      own: { m: { cpu_pct: 3 } },
      parts: { radio5: { m: { channel: 40 } } },
      meta: { body: { firmware: '1.0' } },
      state: { body: { s: 'online' } },
    },
    desired: { 'parts.radio5.channel': { value: 36, command: id } },
    delta: [{ key: 'parts.radio5.channel', desired: 36, reported: 40 }],
    commands: [{ id }],
  });
  await arrives(device, id);
  await device.answer(id, true);
  await device.publish('telemetry', { ...telemetry({ cpu_pct: 3 }), parts: { radio5: { channel: 36 } } });
  await becomes(id, 'done');
  await eventually(
    'no difference',
    async () => (await readTwin(redis, credentials.clientId)).delta.length === 0,
  );
});

test('finished commands are forgotten when they are old or many, open ones never', async () => {
  const { clientId } = await register('ap');
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push((await issue(clientId, { action: 'scan' })).id);
  const finish = (id: string, at: number) => changeCommand(redis, id, { kind: 'cancelled', at, by: 'test' });
  for (const [i, id] of ids.slice(0, 5).entries()) await finish(id, 1000 + i);
  const finishedBefore = await redis.zcard(redisKeys.commandsFinished);
  await forgetFinished(redis, { finishedBefore: 1002, most: 1_000_000 });
  const left = async () =>
    (await listCommands(redis, { device: clientId, count: 10 })).map(({ id }) => id).toSorted();
  expect(await left()).toEqual(ids.slice(2).toSorted());
  await forgetFinished(redis, { finishedBefore: 0, most: finishedBefore - 4 });
  expect(await left()).toEqual(ids.slice(4).toSorted());
  expect(await redis.zcard(redisKeys.commandsFinished)).toBe(finishedBefore - 4);
});

test('while InfluxDB is away, commands are carried on with', async () => {
  const credentials = await register();
  await influxServer.kill();
  const device = await connect(credentials);
  const { id } = await issue(credentials.clientId);
  await arrives(device, id);
  await device.answer(id, true);
  await device.publish('telemetry', telemetry({ power: 'standby' }));
  await becomes(id, 'done');
  expect((await readLedger(redis)).pending).toBeGreaterThan(0);
  await influxServer.restart();
});

test('a device that is removed or moved leaves no open command, wanted state or twin behind', async () => {
  await redis.set(redisKeys.clock, JSON.stringify(spec));
  const removed = await register('ap');
  const moved = await register('ap');
  for (const credentials of [removed, moved]) {
    const device = await connect(credentials);
    // Long enough for the proof to be still waited for when the device goes, on a busy machine, too.
    await device.publish('meta', { interval_s: 3600 });
    await device.publish('telemetry', telemetry({ cpu_pct: 3 }));
    const { id } = await issue(credentials.clientId, { action: 'reboot' });
    await arrives(device, id);
    await device.answer(id, true);
    await becomes(id, 'acknowledged');
    await eventually('the twin', async () => (await readTwin(redis, credentials.clientId)).reported.own);
  }
  const waiting = await issue(removed.clientId, {
    action: 'set_channel',
    args: { radio: 'radio5', channel: 36 },
  });
  const from = (await findDevice(redis, moved.clientId))?.site ?? '';
  const shards = await readShardCount(redis);
  const to = ['s0', 's1', 's2'].find((site) => shardOf(site, shards) !== shardOf(from, shards)) ?? '';
  expect(to).not.toBe('');
  await changeRegistry(redis, (current) => {
    const all = new Map(current.devices);
    all.delete(removed.clientId);
    const known = all.get(moved.clientId);
    if (known !== undefined) all.set(moved.clientId, { ...known, site: to, room: 'unassigned' });
    return { after: { ...current, devices: all } };
  });
  const commands = await listCommands(redis, { device: removed.clientId, count: 10 });
  expect(commands.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  expect(commands.find(({ id }) => id === waiting.id)?.history.at(-1)).toMatchObject({
    by: 'registry',
    why: expect.stringContaining('removed') as string,
  });
  const [other] = await listCommands(redis, { device: moved.clientId, count: 1 });
  expect(other?.history.at(-1)?.why).toContain(`moved to site "${to}"`);
  expect(await redis.exists(redisKeys.desired(removed.clientId))).toBe(0);
  expect(await redis.hexists(redisKeys.commandsOpen, removed.clientId)).toBe(0);

  await eventually('both twins to be forgotten', async () => {
    const kept = await Promise.all(
      [removed, moved].flatMap(({ clientId }) =>
        Array.from({ length: shards }, (_, shard) => redis.hexists(redisKeys.twins(shard), `d/${clientId}`)),
      ),
    );
    return kept.every((there) => there === 0);
  });
});
