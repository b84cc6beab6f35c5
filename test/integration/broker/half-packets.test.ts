import { once } from 'node:events';
import { generate } from 'mqtt-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../../../cli/stores/free-port.js';
import { eventually } from '../../support/eventually.js';
import { connectPacket, publishPacket, RawClient } from '../../support/raw-client.js';
import { startTrialBroker } from '../../support/trial-broker.js';
import type { TrialBroker } from '../../support/trial-broker.js';

let broker: TrialBroker;
let wsPort: number;

beforeAll(async () => {
  wsPort = await freePort();
  const limits = {
    MQTT_PACKET_TIMEOUT_S: '4',
    MQTT_CONNECT_TIMEOUT_S: '60',
    PARTIAL_BYTES: '100000',
    MQTT_WS_PORT: String(wsPort),
  };
  broker = await startTrialBroker({ open: true }, limits);
});
afterAll(async () => {
  await broker.stop();
});

const kept = () => broker.metric('pc_mqtt_partial_bytes');
const limited = (reason: string) => broker.metric('pc_mqtt_limited_total', reason);
const packet = (bytes: number) => generate(publishPacket('t', 'x'.repeat(bytes), { qos: 1, messageId: 998 }));

test('of packets that never end only so much is kept: the client with the most is closed, the others go on', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(broker.port)));
  const sizes = [30_000, 45_000, 40_000];
  for (const [i, client] of clients.entries()) {
    client.send(packet(60_000).subarray(0, sizes[i]));
    if (i < 2) await eventually('it to be kept', async () => (await kept()) > (i === 0 ? 20_000 : 60_000));
  }
  const [small, large, middle] = clients as [RawClient, RawClient, RawClient];
  await large.closed();
  expect(await limited('partial_bytes')).toBe(1);
  for (const [client, size] of [
    [small, 30_000],
    [middle, 40_000],
  ] as const) {
    client.send(packet(60_000).subarray(size));
    await client.next('puback');
  }
  expect(await kept()).toBe(0);
  for (const client of [small, middle]) client.destroy();
});

test('strangers can not cut the upload of who has logged in: of them the largest is closed first', async () => {
  const uploader = await RawClient.connect(broker.port);
  uploader.send(packet(60_000).subarray(0, 45_000));
  const socket = await openWebSocket();
  const before = await limited('partial_bytes');
  writeFrame(socket, 48_000, 44_000);
  await eventually('both to be kept', async () => (await kept()) > 88_000);
  const strangers = await Promise.all([1, 2].map(() => RawClient.open(broker.port)));
  const connect = generate(
    connectPacket({ clientId: 'x', username: 'x'.repeat(7900), password: Buffer.from('x') }),
  );
  for (const [i, stranger] of strangers.entries()) stranger.send(connect.subarray(0, 7000 - i));
  await strangers[0]?.closed();
  expect(await limited('partial_bytes')).toBe(before + 1);
  uploader.send(packet(60_000).subarray(45_000));
  await uploader.next('puback');
  expect(socket.readyState).toBe(WebSocket.OPEN);
  uploader.destroy();
  strangers[1]?.destroy();
  socket.terminate();
  await eventually('nothing to be kept', async () => (await kept()) === 0);
});

test('a packet that is begun has its time to be complete; a client between packets has all the time', async () => {
  const [idle, dripping] = await Promise.all([1, 2].map(() => RawClient.connect(broker.port)));
  if (idle === undefined || dripping === undefined) throw new Error('no clients');
  const before = await limited('packet_timeout');
  const bytes = packet(100);
  let at = 0;
  const timer = setInterval(() => {
    if (at < bytes.length - 1) dripping.send(bytes.subarray(at, ++at));
  }, 50);
  await dripping.closed();
  clearInterval(timer);
  expect(at).toBeLessThan(bytes.length - 1);
  expect(await limited('packet_timeout')).toBe(before + 1);
  await idle.publish('t', 'still here');
  expect(await kept()).toBe(0);
  idle.destroy();
});

test('so has a WebSocket message, of which MQTT sees nothing until it is whole', async () => {
  const socket = await openWebSocket();
  const before = await limited('packet_timeout');
  // Pings are answered, and none of them is a begun message.
  for (let i = 0; i < 3; i++) {
    socket.ping();
    await once(socket, 'pong');
  }
  expect(await kept()).toBe(0);
  writeFrame(socket, 50_000, 10_000);
  await eventually('it to be kept', async () => (await kept()) >= 10_000);
  await once(socket, 'close');
  expect(await limited('packet_timeout')).toBe(before + 1);
  expect(await kept()).toBe(0);
});

/** Over WebSocket, and let in. */
async function openWebSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${wsPort}/mqtt`, 'mqtt');
  await once(socket, 'open');
  socket.send(generate(connectPacket()));
  await once(socket, 'message');
  socket.on('error', () => undefined);
  return socket;
}

/** The head of a masked binary frame, and some of it. */
function writeFrame(socket: WebSocket, size: number, bytes: number): void {
  const { _socket: raw } = socket as unknown as { readonly _socket: { write(bytes: Buffer): void } };
  raw.write(
    Buffer.concat([Buffer.from([0x82, 0xfe, size >> 8, size & 0xff, 0, 0, 0, 0]), Buffer.alloc(bytes)]),
  );
}
