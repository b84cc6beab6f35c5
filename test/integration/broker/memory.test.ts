import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { projectRoot } from '../../../runtime/project-root.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import { eventually } from '../../support/eventually.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const each = 1000;
/** Enough for all of them to be open at the same time on a busy machine. */
const connectTimeoutS = 30;
const allowedBytes = 128 * 1024 * 1024;

let server: TestServer;
let redis: Redis;
let folder: string;
let port: number;
let pid: number;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-memory-'));
  server = await startTestRedis();
  redis = new Redis(server.url);
  port = await freePort();
  const broker = spawn(process.execPath, [join(projectRoot, 'dist/cli/main.js'), 'broker'], {
    env: {
      PATH: process.env['PATH'],
      DATA_DIR: folder,
      REDIS_URL: server.url,
      INFLUX_URL: 'http://127.0.0.1:1',
      MQTT_PORT: String(port),
      MQTT_CONNECT_TIMEOUT_S: String(connectTimeoutS),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  pid = broker.pid ?? 0;
  const ended = once(broker, 'exit');
  stop = async () => {
    broker.kill('SIGTERM');
    await ended;
  };
  await eventually('the broker to report', async () => (await sockets()) === 0);
});
afterAll(async () => {
  await stop();
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Sockets that the broker says it has open. */
async function sockets(): Promise<number | undefined> {
  const [report] = await readRoleReports(redis);
  const metric = report?.metrics.find(({ name }) => name === 'pc_mqtt_sockets');
  return metric?.values[0]?.value;
}

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function open(localAddress: string, ...bytes: Buffer[]): Socket {
  const socket = connectSocket({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
  for (const part of bytes) socket.write(part);
  return socket;
}

/** The beginning of a packet of this type that says that so many bytes follow. */
function header(type: number, length: number): Buffer {
  const bytes = [type << 4];
  for (let rest = length; ; rest >>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}

test('silent sockets, CONNECTs that never end and a declared packet of 256 MB stay within 128 MiB together', async () => {
  const { clientId, username, password, topicPrefix } = await issueCredentials(redis, {
    site: 's1',
    device: 'd1',
    deviceClass: 'sensor',
  });
  const login = { clientId, username, password, reconnectPeriod: 0 };
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, login, false);
  const before = residentBytes();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, residentBytes())), 50);
  const held: Socket[] = [];
  try {
    // Almost all of the largest CONNECT that is allowed.
    const endless = [header(1, 8000), Buffer.alloc(7900)];
    for (let i = 0; i < each; i++) held.push(open('127.0.0.2'), open('127.0.0.3', ...endless));
    await eventually(
      'all to be open',
      async () => ((await sockets()) ?? 0) >= 2 * each + 1,
      connectTimeoutS * 1000,
    );
    const huge = 268_435_455;
    for (const type of [1, 3]) {
      const socket = open('127.0.0.4', header(type, huge), Buffer.alloc(8 * 1024 * 1024));
      await new Promise((resolve) => socket.once('close', resolve));
    }
    // Also from a device that was let in.
    client.on('error', () => undefined);
    const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.stream.write(header(3, huge));
    client.stream.write(Buffer.alloc(8 * 1024 * 1024));
    await gone;
    await sleep(500);
    expect(peak - before).toBeLessThan(allowedBytes);
    // The others are served all the while.
    const again = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, login, false);
    await again.publishAsync(`${topicPrefix}telemetry`, '{}', { qos: 1 });
    await again.endAsync(true);
  } finally {
    clearInterval(watch);
    for (const socket of held) socket.destroy();
  }
}, 120_000);
