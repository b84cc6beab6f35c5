import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../../cli/stores/free-port.js';
import { projectRoot } from '../../runtime/project-root.js';
import { startNeighbour } from '../support/neighbour.js';
import { fuzz } from '../support/packet-fuzzer.js';
import { endProcess } from './processes.js';
import { report, rounded, say } from './report.js';

// Wrong packets without end against the open broker as users start it: it must not end, grow or lose a
// neighbour's messages. Linux only: memory and handles are read from /proc.
const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean' },
  },
});
const packets = Number(values.packets);
const seed = Number(values.seed);

// Asked with SIGUSR2, the broker collects its garbage and says what is left: RSS alone shows what was needed once.
const confess = `process.on('SIGUSR2', () => { gc(); gc(); const { heapUsed, external, rss } = process.memoryUsage();
  process.stderr.write('memory ' + JSON.stringify({ heapUsed, external, rss }) + String.fromCharCode(10)); })`;

const port = await freePort();
const child = spawn(
  process.execPath,
  [
    '--expose-gc',
    `--import=data:text/javascript,${encodeURIComponent(confess)}`,
    join(projectRoot, 'dist/cli/main.js'),
    'broker',
    '--open-loopback',
    '--mqtt-port',
    String(port),
  ],
  { env: { ...process.env, LOG_LEVEL: 'warn' }, stdio: ['ignore', 'pipe', 'pipe'] },
);
let output = '';
child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
while (!output.includes('Open to anybody')) {
  if (child.exitCode !== null) throw new Error(`the broker did not start: ${output}`);
  await sleep(50);
}
const samples: { readonly heap: number; readonly external: number }[] = [];
createInterface({ input: child.stderr }).on('line', (line) => {
  if (!line.startsWith('memory ')) {
    say(line);
    return;
  }
  const { heapUsed, external } = JSON.parse(line.slice(7)) as { heapUsed: number; external: number };
  samples.push({ heap: heapUsed / 1_048_576, external: external / 1_048_576 });
});
const rssMiB = () => {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
};
const handles = () => readdirSync(`/proc/${child.pid ?? 0}/fd`).length;

const neighbour = await startNeighbour(port);
// What it takes to work at all is no leak.
await fuzz(port, { packets: Math.ceil(packets / 10), seed: seed + 1 });
await sleep(3000);
const before = { rss: rssMiB(), handles: handles() };
let highest = before.rss;
let told = 0;
const startedAt = Date.now();
const { connections } = await fuzz(port, {
  packets,
  seed,
  onProgress: (sent) => {
    highest = Math.max(highest, rssMiB());
    if (++told % 10 === 0) child.kill('SIGUSR2');
    const last = samples.at(-1);
    say(
      `  ${sent} packets, ${Math.round(rssMiB())} MiB (heap ${Math.round(last?.heap ?? 0)}, external ${Math.round(last?.external ?? 0)} after a collection), ${handles()} handles, neighbour ${neighbour.rounds}`,
    );
  },
});
const seconds = (Date.now() - startedAt) / 1000;
await sleep(3000);
child.kill('SIGUSR2');
await sleep(2000);
const after = { rss: rssMiB(), handles: handles() };
const alive = child.exitCode === null && child.signalCode === null;
try {
  await neighbour.stop();
} finally {
  await endProcess(child);
}
if (!alive) throw new Error('the broker ended');
report(
  {
    packets,
    connections,
    seconds: rounded(seconds),
    rssBeforeMiB: rounded(before.rss),
    rssAfterMiB: rounded(after.rss),
    rssHighestMiB: rounded(highest),
    heapFirstMiB: rounded(samples[0]?.heap ?? 0),
    heapLastMiB: rounded(samples.at(-1)?.heap ?? 0),
    handlesGrown: after.handles - before.handles,
    neighbourRounds: neighbour.rounds,
  },
  [
    `${packets} packets over ${connections} connections in ${Math.round(seconds)} s (seed ${seed}); the broker lives`,
    `memory ${Math.round(before.rss)} MiB before, ${Math.round(after.rss)} after, ${Math.round(highest)} at most; handles ${before.handles} before, ${after.handles} after`,
    `heap after a collection ${Math.round(samples[0]?.heap ?? 0)} MiB at first, ${Math.round(samples.at(-1)?.heap ?? 0)} at last`,
    `a neighbour's QoS 1: ${neighbour.rounds} round trips, none lost`,
  ],
);
