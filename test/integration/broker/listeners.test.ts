import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Redis } from 'ioredis';
import mqtt from 'mqtt';
import type { IClientOptions, MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startBroker } from '../../../broker/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { shardOf } from '../../../devices/site.js';
import { RedisLogReader } from '../../../ingest/log/redis-log-reader.js';
import type { RoleContext } from '../../../runtime/role.js';
import { TestCertificates } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let certificates: TestCertificates;
let context: RoleContext;
const ports = { tcp: 0, tls: 0, ws: 0, wss: 0 };
const clients: MqttClient[] = [];

beforeAll(async () => {
  certificates = await TestCertificates.create();
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  for (const transport of ['tcp', 'tls', 'ws', 'wss'] as const) ports[transport] = await freePort();
  context = createTestContext(
    { redisUrl: server.url },
    {
      MQTT_PORT: String(ports.tcp),
      MQTT_TLS_PORT: String(ports.tls),
      MQTT_WS_PORT: String(ports.ws),
      MQTT_WSS_PORT: String(ports.wss),
      INFLIGHT_PER_CLIENT: '50',
      ...certificates.settings,
    },
  );
  await startBroker(context);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await server.stop();
  await certificates.remove();
});

type Transport = keyof typeof ports;
const urlOf = (transport: Transport) =>
  ({ tcp: 'mqtt', tls: 'mqtts', ws: 'ws', wss: 'wss' })[transport] +
  `://localhost:${ports[transport]}${transport.startsWith('w') ? '/mqtt' : ''}`;

async function connect(transport: Transport, device: string, more: IClientOptions = {}) {
  const credentials = await issueCredentials(redis, { site: 's1', device, deviceClass: 'sensor' });
  const { clientId, username, password } = credentials;
  const options = { clientId, username, password, reconnectPeriod: 0, family: 4, ...more };
  const ca = certificates.authority.certificate;
  const client = await mqtt.connectAsync(urlOf(transport), { ...options, ca } as IClientOptions, false);
  client.on('error', () => undefined);
  clients.push(client);
  return { client, topic: `${credentials.topicPrefix}telemetry` };
}

async function limited(reason: string, { metrics } = context): Promise<number> {
  const metric = await metrics.getSingleMetric('pc_mqtt_limited_total')?.get();
  return metric?.values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
}

async function gauge(name: string): Promise<number> {
  return (await context.metrics.getSingleMetric(name)?.get())?.values[0]?.value ?? 0;
}

function connectPacket(clientId: string): Buffer {
  return generate({ cmd: 'connect', clientId, protocolId: 'MQTT', protocolVersion: 4, clean: true });
}

describe.each(['tcp', 'tls', 'ws', 'wss'] as const)('over %s', (transport) => {
  test('a device publishes, and what is acknowledged is in the log', async () => {
    const { client, topic } = await connect(transport, `pub-${transport}`);
    await client.publishAsync(topic, `{"over":"${transport}"}`, { qos: 1 });
    const entries = await new RedisLogReader(redis).readAfter(shardOf('s1', 4), '0-0', 10_000);
    const payloads = entries.flatMap(({ records }) =>
      records.flatMap((record) => (record.kind === 'message' ? [record.payload.toString()] : [])),
    );
    expect(payloads).toContain(`{"over":"${transport}"}`);
  });

  test('while Redis is stopped what is held stays bounded, and all is acknowledged after', async () => {
    const { client, topic } = await connect(transport, `hold-${transport}`);
    let acknowledged = 0;
    process.kill(server.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 3000; i++) {
        client.publish(topic, 'x'.repeat(2000), { qos: 1 }, (error) => {
          if (!error) acknowledged++;
        });
      }
      const held = () => gauge('pc_mqtt_inflight_bytes');
      await eventually('messages to be held', async () => (await held()) > 0);
      await sleep(500);
      expect(acknowledged).toBe(0);
      // 50 messages, and at most one more chunk of 16 KiB that was read at once.
      expect(await held()).toBeLessThan(50 * 2000 + 2 * 16_384);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await eventually('all PUBACKs', () => acknowledged === 3000);
  });
});

test('a connection without CONNECT, or with one that drips in, is closed in time, counted, and forgotten', async () => {
  const before = await limited('connect_timeout');
  const upgrade = Buffer.from('GET /mqtt HTTP/1.1\r\nx-pad: never-ending');
  const clientHello = Buffer.from([
    22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
  const drips = { tcp: connectPacket('drip'), tls: clientHello, ws: upgrade, wss: clientHello };
  const closed = Object.entries(drips).flatMap(([transport, drip]) => {
    const port = ports[transport as Transport];
    const silent = connectSocket(port, '127.0.0.1');
    const dripping = connectSocket(port, '127.0.0.1');
    let at = 0;
    const timer = setInterval(() => {
      if (at < drip.length - 1) dripping.write(drip.subarray(at, ++at));
    }, 300);
    dripping.once('close', () => clearInterval(timer));
    return [silent, dripping].map((socket) =>
      once(
        socket.resume().on('error', () => undefined),
        'close',
      ),
    );
  });
  await Promise.all(closed);
  expect(await limited('connect_timeout')).toBe(before + 8);
  await eventually('no socket to be counted', async () => (await gauge('pc_mqtt_sockets')) === 0);
});

test('TLS below 1.2 is refused', async () => {
  const before = await limited('tls_handshake');
  const old = connectTls({
    port: ports.tls,
    host: '127.0.0.1',
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  });
  const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  expect(await limited('tls_handshake')).toBe(before + 1);
});

test('of plain MQTT on the port of TLS the log says that it is not TLS', async () => {
  const [info, debug] = [vi.spyOn(context.log, 'info'), vi.spyOn(context.log, 'debug')];
  const plain = connectSocket(ports.tls, '127.0.0.1').on('error', () => undefined);
  plain.write(
    generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: 'd1' }),
  );
  await once(plain, 'close');
  const told = JSON.stringify([...info.mock.calls, ...debug.mock.calls]);
  vi.restoreAllMocks();
  expect(told).toContain('TLS refused: that is not TLS');
});

test('a changed certificate is used for new connections, and open ones go on', async () => {
  const shown = async () => {
    const socket = connectTls({ port: ports.tls, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  const { client, topic } = await connect('tls', 'stays');
  expect(await shown()).toBe('localhost');
  await certificates.writeServerCertificate('renewed');
  await eventually('the new certificate', async () => (await shown()) === 'renewed');
  await client.publishAsync(topic, '{}', { qos: 1 });
});

test('a WebSocket without the subprotocol, on another path, or with text frames is refused', async () => {
  const url = `ws://127.0.0.1:${ports.ws}`;
  const refusal = async (path: string, protocols: string[]) => {
    const [error] = (await once(new WebSocket(url + path, protocols), 'error')) as [Error];
    return error.message;
  };
  expect(await refusal('/mqtt', [])).toContain('400');
  expect(await refusal('/mqtt', ['chat'])).toContain('400');
  expect(await refusal('/other', ['mqtt'])).toContain('404');
  expect((await fetch(`http://127.0.0.1:${ports.ws}/mqtt`)).status).toBe(426);
  const socket = new WebSocket(`${url}/mqtt`, ['mqtt']);
  await once(socket, 'open');
  socket.send('text');
  await once(socket, 'close');
  expect(await limited('websocket')).toBe(4);
});

test('sockets over the caps, in all or from one address, are closed at once and counted', async () => {
  const port = await freePort();
  const small = createTestContext(
    { redisUrl: server.url },
    { MQTT_PORT: String(port), MQTT_MAX_SOCKETS: '5', MQTT_MAX_SOCKETS_PER_ADDRESS: '3' },
  );
  await startBroker(small);
  const open = (localAddress: string) => {
    const socket = connectSocket({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
    const closed = new Promise((resolve) => socket.resume().once('close', () => resolve('closed')));
    socket.write(connectPacket('nobody').subarray(0, 1));
    return { socket, isClosed: async () => (await Promise.race([closed, sleep(300)])) === 'closed' };
  };
  try {
    const first = ['127.0.0.1', '127.0.0.1', '127.0.0.1'].map(open);
    expect(await open('127.0.0.1').isClosed()).toBe(true);
    const others = ['127.0.0.2', '127.0.0.3'].map(open);
    expect(await open('127.0.0.4').isClosed()).toBe(true);
    for (const { isClosed } of [...first, ...others]) expect(await isClosed()).toBe(false);
    expect(await limited('sockets_per_address', small)).toBe(1);
    expect(await limited('sockets', small)).toBe(1);
    for (const { socket } of first) socket.destroy();
    await eventually('room again', async () => !(await open('127.0.0.1').isClosed()));
  } finally {
    await small.lifeCycle.stop();
  }
});
