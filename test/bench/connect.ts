import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestRedis } from '../support/stores.js';
import type { CampusBrokerReady } from './campus-broker-process.js';
import type { ConnectOrder, ConnectResult } from './connector-process.js';
import { endProcess, startProcess } from './processes.js';
import { registerDevices } from './register-devices.js';
import { report, rounded, say } from './report.js';

// A city that comes back after a power cut: so many devices connect with their passwords, as fast as the broker
// takes them, and stay. The bar is the same Aedes with no accounts: same connector, same run.
const clients = Number(argumentAfter('--clients') ?? 17_000);
const window = 500;
const perAddress = 1000;

function argumentAfter(flag: string): string | undefined {
  const at = process.argv.indexOf(flag);
  return at < 0 ? undefined : process.argv[at + 1];
}

interface Outcome extends ConnectResult {
  readonly bytesPerConnection: number;
}

async function measure(port: number, pid: number, accounts: ConnectOrder['clients']): Promise<Outcome> {
  const child = fork(join(import.meta.dirname, 'connector-process.js'));
  try {
    const before = residentBytes(pid);
    const order: ConnectOrder = { port, clients: accounts, window, perAddress };
    child.send(order);
    const [answer] = (await once(child, 'message')) as [{ result?: ConnectResult; error?: string }];
    if (answer.result === undefined) throw new Error(answer.error ?? 'no result');
    return { ...answer.result, bytesPerConnection: (residentBytes(pid) - before) / accounts.length };
  } finally {
    await endProcess(child);
  }
}

/** Memory of a process that is in use, garbage that was not yet collected included. */
function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

const redis = await startTestRedis();
const campus = await startProcess('campus-broker-process.js', redis.url, '0');
const bare = await startProcess('bare-aedes-process.js');
let ours: Outcome;
let theirs: Outcome;
try {
  say(`${clients} clients, ${window} CONNECTs at a time, ${perAddress} connections an address`);
  const accounts = (await registerDevices(redis.url, clients)).map(({ clientId, password }) => ({
    clientId,
    password,
  }));
  theirs = await measure((bare.ready as { port: number }).port, bare.child.pid ?? 0, accounts);
  say(`  Aedes, no accounts: ${shown(theirs)}`);
  ours = await measure((campus.ready as CampusBrokerReady).port, campus.child.pid ?? 0, accounts);
  say(`  campus, passwords checked: ${shown(ours)}`);
} finally {
  await endProcess(campus.child);
  await endProcess(bare.child);
  await redis.stop();
}

function shown({ seconds, p99Ms, bytesPerConnection }: Outcome): string {
  const rate = Math.round(clients / seconds);
  return `${rounded(seconds)} s, ${rate}/s, p99 ${rounded(p99Ms)} ms, ${Math.round(bytesPerConnection)} bytes each`;
}

const result = {
  clients,
  seconds: rounded(ours.seconds),
  bytesPerConnection: Math.round(ours.bytesPerConnection),
  ratioToBareAedes: rounded(theirs.seconds / ours.seconds),
};
report(result, [
  `${clients} authenticated connects in ${result.seconds} s (${Math.round(clients / ours.seconds)}/s), ${result.bytesPerConnection} bytes of memory each`,
  `rate against Aedes with no accounts: ${result.ratioToBareAedes}`,
]);
