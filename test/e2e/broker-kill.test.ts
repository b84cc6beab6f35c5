import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../cli/stores/free-port.js';
import { findCommand } from '../../devices/redis-command-list.js';
import { issueCommand } from '../../devices/redis-commands.js';
import { issueCredentials } from '../../devices/redis-credentials.js';
import { shardOf } from '../../devices/site.js';
import { startIngest } from '../../ingest/app.js';
import { readLedger } from '../../ingest/ledger/redis-ledger.js';
import { createClock } from '../../runtime/clock.js';
import { openInflux } from '../../runtime/influx-connection.js';
import { projectRoot } from '../../runtime/project-root.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { RoleContext } from '../../runtime/role.js';
import { obeyCommands } from '../../simulators/device-commands.js';
import { eventually } from '../support/eventually.js';
import { createTestContext } from '../support/role-context.js';
import { startTestInflux, startTestRedis } from '../support/stores.js';
import type { TestServer } from '../support/stores.js';

const devices = 30;
const readings = 150;
const total = devices * readings;

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
let ingest: RoleContext;
let brokers: { readonly port: number; readonly child: ChildProcess }[];
const started: ChildProcess[] = [];
const clients: MqttClient[] = [];

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(redisServer.url);
  ingest = createTestContext({ redisUrl: redisServer.url, influxUrl: influxServer.url });
  await startIngest(ingest);
  brokers = await Promise.all([startBroker(), startBroker()]);
}, 120_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  for (const child of started) child.kill('SIGKILL');
  await ingest.lifeCycle.stop();
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop()]);
}, 60_000);

async function startBroker(): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'broker'], {
    env: {
      PATH: process.env['PATH'],
      MQTT_PORT: String(port),
      REDIS_URL: redisServer.url,
      INFLUX_URL: influxServer.url,
    },
    stdio: 'ignore',
  });
  started.push(child);
  await eventually('the broker to listen', () => listens(port), 60_000);
  return { port, child };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

test('when one of two brokers is killed under load its devices go on at the other: nothing lost, each command done once', async () => {
  let acknowledged = 0;
  const acted: string[] = [];
  const startedAt = Date.now();
  for (let d = 0; d < devices; d++) {
    const credentials = await issueCredentials(redis, {
      site: `s${d % 3}`,
      device: `d${d}`,
      deviceClass: 'ap',
    });
    const { clientId, username, password, topicPrefix } = credentials;
    const servers = brokers.map(({ port }) => ({ protocol: 'mqtt' as const, host: '127.0.0.1', port }));
    // A device knows both addresses, and half of them begin with the second.
    if (d % 2 === 1) servers.reverse();
    const client = mqtt.connect({
      servers,
      clientId,
      username,
      password,
      reconnectPeriod: 200,
      reconnectOnConnackError: true,
    });
    client.on('error', () => undefined);
    clients.push(client);
    obeyCommands({
      client,
      credentials,
      clock: createClock({ kind: 'wall' }),
      act: () => {
        acted.push(clientId);
        return { ok: true };
      },
    });
    const publish = (reading: object) => {
      client.publish(`${topicPrefix}telemetry`, JSON.stringify(reading), { qos: 1 }, (error) => {
        if (!error) acknowledged++;
        // The client lets go of what was being written as the connection broke; a device has it still.
        else if (!client.disconnecting) setTimeout(publish, 100, reading);
      });
    };
    void (async () => {
      for (let seq = 0; seq < readings; seq++) {
        publish({ ts: startedAt + seq, seq, boot: 'b', m: { clients: seq } });
        await sleep(20);
      }
    })();
  }
  await eventually('some to be acknowledged', () => acknowledged > total * 0.2, 60_000);
  expect(acknowledged).toBeLessThan(total);
  const victim = brokers[0];
  const ended = victim && once(victim.child, 'exit');
  victim?.child.kill('SIGKILL');
  await ended;
  const commands = await Promise.all(
    ['d0', 'd1', 'd2', 'd4'].map(async (device) => {
      const wanted = { device, action: 'scan', args: {}, issuedBy: 'test', expiresAt: Date.now() + 120_000 };
      return (await issueCommand(redis, wanted, Date.now())).command.id;
    }),
  );
  await eventually('all to be acknowledged', () => acknowledged === total, 60_000);
  await eventually(
    'all commands to be done',
    async () =>
      (await Promise.all(commands.map((id) => findCommand(redis, id)))).every((c) => c?.state === 'done'),
    60_000,
  );
  expect(acted.toSorted()).toEqual(['d0', 'd1', 'd2', 'd4']);
  const ledger = await eventually(
    'all to be settled',
    async () => {
      const now = await readLedger(redis);
      return now.pending === 0 && now.written >= total && now;
    },
    60_000,
  );
  expect(ledger).toMatchObject({ quarantined: 0, gaps: 0, unaccounted: 0 });
  const influx = await openInflux({ url: influxServer.url, bucket: 'campus' });
  const counts = await influx.query('SELECT count(clients) FROM ap GROUP BY device');
  expect(counts.map(({ count }) => count)).toEqual(Array.from({ length: devices }, () => readings));
  // Nobody was taken for gone, and nothing was raised.
  const shards = new Set([0, 1, 2].map((site) => shardOf(`s${site}`, 4)));
  const states: string[] = [];
  for (const shard of shards) {
    for (const json of await redis.hvals(redisKeys.presence(shard)))
      states.push((JSON.parse(json) as { state: string }).state);
    expect(await redis.hlen(redisKeys.alarms(shard))).toBe(0);
  }
  expect(states).toEqual(Array.from({ length: devices }, () => 'online'));
}, 180_000);
