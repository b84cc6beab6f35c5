import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../cli/stores/free-port.js';
import { startTestRedis } from '../support/stores.js';
import type { CampusBrokerReady } from './campus-broker-process.js';
import { endProcess, publishFromProcess, startProcess } from './processes.js';
import type { PublishOrder, PublishResult } from './publisher.js';
import { median, report, rounded, say } from './report.js';

// How many durable PUBACKs a second, against the same Aedes with nothing behind it and, where it is
// installed, against Mosquitto keeping nothing: same publisher, same run, taking turns.
const connections = 50;
const messagesPerDevice = 4000;
const window = 40;
const rounds = 5;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly devices: PublishOrder['devices'];
  readonly rates: number[];
  readonly results: PublishResult[];
  end(): Promise<void>;
}

const openDevices: PublishOrder['devices'] = Array.from({ length: connections }, (_, i) => ({
  clientId: `bench-${i}`,
  password: 'none',
  topic: `campus/v1/site-${i % 20}/sensor/bench-${i}/telemetry`,
}));

async function campus(): Promise<Contender> {
  const redis = await startTestRedis();
  const { child, ready } = await startProcess('campus-broker-process.js', redis.url, String(connections));
  const end = async () => {
    await endProcess(child);
    await redis.stop();
  };
  return {
    name: 'campus, on disk before PUBACK',
    ...(ready as CampusBrokerReady),
    rates: [],
    results: [],
    end,
  };
}

async function bareAedes(): Promise<Contender> {
  const { child, ready } = await startProcess('bare-aedes-process.js');
  const end = () => endProcess(child);
  return {
    name: 'Aedes, nothing kept',
    ...(ready as { port: number }),
    devices: openDevices,
    rates: [],
    results: [],
    end,
  };
}

async function mosquitto(): Promise<Contender | undefined> {
  const binary = ['mosquitto', '/usr/sbin/mosquitto'].find(
    (name) => spawnSync(name, ['-h']).error === undefined,
  );
  if (binary === undefined) return undefined;
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'campus-mosquitto-'));
  const file = join(folder, 'mosquitto.conf');
  await writeFile(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n`,
  );
  const child = spawn(binary, ['-c', file], { stdio: 'ignore' });
  while (!(await accepts(port))) await sleep(50);
  const end = async () => {
    await endProcess(child);
    await rm(folder, { recursive: true });
  };
  return { name: 'Mosquitto, nothing kept', port, devices: openDevices, rates: [], results: [], end };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

const ours = await campus();
const bare = await bareAedes();
const other = await mosquitto();
const contenders = [ours, bare, ...(other === undefined ? [] : [other])];
try {
  say(
    `${connections} connections, ${window} in flight each, QoS 1, about 120 bytes; ${rounds} rounds after a warm-up`,
  );
  for (let round = 0; round <= rounds; round++) {
    for (const { name, port, devices, rates, results } of contenders) {
      const result = await publishFromProcess({
        port,
        devices,
        messagesPerDevice,
        window,
        boot: `r${round}`,
        firstTs: Date.now(),
      });
      if (round === 0) continue;
      rates.push(result.acknowledged / result.seconds);
      results.push(result);
      say(
        `  ${name}: ${Math.round(result.acknowledged / result.seconds)} PUBACKs/s, p99 ${rounded(result.p99Ms)} ms`,
      );
    }
  }
} finally {
  for (const contender of contenders) await contender.end();
}

// Round by round: the machine's speed drifts, the ratio of neighbours does not.
const ratioTo = (them: Contender) =>
  rounded(median(ours.rates.map((rate, i) => rate / (them.rates[i] ?? rate))));
const result = {
  ratioToNoLog: ratioTo(bare),
  ratioToMosquitto: other === undefined ? null : ratioTo(other),
  p99Ms: rounded(median(ours.results.map(({ p99Ms }) => p99Ms))),
};
report(result, [
  `Durable PUBACKs: ${Math.round(median(ours.rates))}/s, p99 ${result.p99Ms} ms`,
  `against Aedes with no log (${Math.round(median(bare.rates))}/s): ${result.ratioToNoLog}`,
  other === undefined
    ? 'Mosquitto is not installed: not compared'
    : `against Mosquitto keeping nothing (${Math.round(median(other.rates))}/s): ${result.ratioToMosquitto}`,
]);
