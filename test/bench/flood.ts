import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'mqtt-packet';
import { startTestRedis } from '../support/stores.js';
import { connectPacket } from './connect-packet.js';
import type { CampusBrokerReady } from './campus-broker-process.js';
import { endProcess, startProcess } from './processes.js';
import { registerDevices } from './register-devices.js';
import { median, report, rounded, say } from './report.js';

// What one client that publishes as fast as it can costs the others: their PUBACKs' p99 with and without it,
// taking turns in one run, with the limits as shipped.
const neighbours = 50;
const intervalMs = 50;
const roundMs = 4000;
const rounds = 4;

const redis = await startTestRedis();
const campus = await startProcess('campus-broker-process.js', redis.url, '0', '--as-shipped');
const { port } = campus.ready as CampusBrokerReady;
const ratios: number[] = [];
const quiet: number[] = [];
const flooded: number[] = [];
try {
  const [flooder, ...devices] = await registerDevices(redis.url, neighbours + 1);
  if (flooder === undefined) throw new Error('no device to flood as');
  const sockets = await Promise.all(devices.map((device) => open(device)));
  say(
    `${neighbours} neighbours, a message every ${intervalMs} ms each, QoS 1; ${rounds} rounds after a warm-up`,
  );
  for (let round = 0; round <= rounds; round++) {
    const without = await p99OfRound(sockets);
    const child = fork(join(import.meta.dirname, 'flooder-process.js'));
    child.send({ port, devices: [flooder] });
    await once(child, 'message');
    const beside = await p99OfRound(sockets);
    await endProcess(child);
    // What the flooder left behind is not the next quiet round's.
    await sleep(1000);
    if (round === 0) continue;
    say(`  p99 ${rounded(without)} ms, beside the flooder ${rounded(beside)} ms`);
    quiet.push(without);
    flooded.push(beside);
    ratios.push(beside / without);
  }
  for (const { socket } of sockets) socket.destroy();
} finally {
  await endProcess(campus.child);
  await redis.stop();
}

interface Neighbour {
  readonly socket: Socket;
  readonly topic: string;
}

async function open(device: CampusBrokerReady['devices'][number]): Promise<Neighbour> {
  const { clientId, password, topic } = device;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(connectPacket({ clientId, password }, 600));
  const [connack] = (await once(socket, 'data')) as [Buffer];
  if (connack[3] !== 0) throw new Error(`CONNECT of ${clientId} refused with ${connack[3]}`);
  return { socket, topic };
}

/** Every neighbour publishes one message an interval, at its own moment of it; the next one waits for no PUBACK. */
async function p99OfRound(all: readonly Neighbour[]): Promise<number> {
  const latencies: number[] = [];
  const until = performance.now() + roundMs;
  await Promise.all(
    all.map(async ({ socket, topic }, i) => {
      await sleep((i * intervalMs) / all.length);
      const sentAt: number[] = [];
      let acknowledged = 0;
      const onData = (chunk: Buffer) => {
        for (let acks = chunk.length >> 2; acks > 0; acks--)
          latencies.push(performance.now() - (sentAt[acknowledged++] ?? 0));
      };
      socket.on('data', onData);
      while (performance.now() < until) {
        sentAt.push(performance.now());
        const messageId = sentAt.length;
        const payload = `{"ts":${Date.now()},"seq":${messageId},"boot":"n","m":{"co2_ppm":600}}`;
        socket.write(
          generate({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false }),
        );
        await sleep(intervalMs);
      }
      while (acknowledged < sentAt.length) await sleep(5);
      socket.off('data', onData);
    }),
  );
  latencies.sort((a, b) => a - b);
  return latencies[Math.floor(0.99 * latencies.length)] ?? 0;
}

const result = {
  p99Ratio: rounded(median(ratios)),
  p99Ms: rounded(median(quiet)),
  p99FloodedMs: rounded(median(flooded)),
};
report(result, [
  `PUBACK p99 of ${neighbours} neighbours: ${result.p99Ms} ms, beside a flooding client ${result.p99FloodedMs} ms`,
  `ratio: ${result.p99Ratio}`,
]);
