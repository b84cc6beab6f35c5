import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../../cli/stores/free-port.js';
import { readRunRecord, writeRunRecord } from '../../../cli/supervisor/run-record.js';
import { processIdentity } from '../../../runtime/process-identity.js';
import { projectRoot } from '../../../runtime/project-root.js';
import { eventually } from '../../support/eventually.js';
import { RawClient } from '../../support/raw-client.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-broker-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function campus(...args: string[]): { child: ChildProcess; output: () => string } {
  const main = join(projectRoot, 'dist/cli/main.js');
  const child = spawn(process.execPath, [main, 'broker', '--open-loopback', ...args], {
    // Where it makes its own folder, so that the test sees what is left of it.
    env: { PATH: process.env['PATH'], TMPDIR: folder, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function start(port: number) {
  const started = campus('--mqtt-port', String(port));
  await eventually('the broker to say so', () => started.output().includes('Open to anybody'));
  return started;
}

test('anybody may do anything there, and nothing is left when it stops', async () => {
  const port = await freePort();
  const { child } = await start(port);
  const client = await RawClient.connect(port, { clientId: 'whoever', clean: false });
  expect(await client.subscribe(['any/+', 2], ['test/nosubscribe', 0])).toEqual([2, 128]);
  await client.publish('any/topic', 'x', 2);
  expect(await client.messages()).toHaveLength(1);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(await readdir(folder)).toEqual([]);
});

test('what a killed one leaves behind is ended and removed by the next', async () => {
  const port = await freePort();
  const first = await start(port);
  const [left = ''] = await readdir(folder);
  const redis = readRunRecord(join(folder, left))?.processes[0]?.pid ?? 0;
  expect(processIdentity(redis)).toBeDefined();
  const killed = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await killed;
  const second = await start(port);
  expect(processIdentity(redis)).toBeUndefined();
  expect(await readdir(folder)).not.toContain(left);
  const ended = once(second.child, 'exit');
  second.child.kill('SIGTERM');
  await ended;
  expect(await readdir(folder)).toEqual([]);
});

test.each(['0.0.0.0', '::', '192.0.2.1'])('it refuses to listen on %s', async (host) => {
  const { child, output } = campus('--mqtt-host', host);
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(1);
  expect(output()).toMatch(/listens on loopback only: MQTT_HOST is/);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that others could have put there is left alone', async () => {
  const foreign = join(folder, 'campus-open-foreign');
  await mkdir(foreign);
  await chmod(foreign, 0o755);
  const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const pid = victim.pid ?? 0;
  writeRunRecord(foreign, {
    pid: 4_000_000,
    identity: 'nobody',
    clock: 'wall',
    mqtt: null,
    listeners: [],
    http: '',
    processes: [
      { role: 'redis', pid, identity: processIdentity(pid), restarts: 0, startedAt: 0, ready: true },
    ],
  });
  const { child } = await start(await freePort());
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
  expect(await readdir(folder)).toEqual(['campus-open-foreign']);
  expect(victim.exitCode ?? victim.signalCode).toBeNull();
  victim.kill('SIGKILL');
  await rm(foreign, { recursive: true });
});
