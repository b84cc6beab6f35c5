import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertLoopback } from '../broker/assert-loopback.js';
import { mqttAddresses } from '../runtime/mqtt-addresses.js';
import type { Settings } from '../runtime/settings.js';
import { runRole } from './run-role.js';
import { watchStopSignals } from './stop-signals.js';
import { freePort } from './stores/free-port.js';
import { ensureServers } from './stores/install-servers.js';
import { privateRedis } from './stores/redis-store.js';
import { prepareDataFolder } from './supervisor/data-folder.js';
import { endOrphans } from './supervisor/orphans.js';
import { processIdentity } from '../runtime/process-identity.js';
import { isRunning, readRunRecord, writeRunRecord } from './supervisor/run-record.js';
import { SupervisedChild } from './supervisor/supervised-child.js';

const folderPrefix = 'campus-open-';

/**
 * Runs the broker for anybody on this machine until it is told to stop: any client id, any topic, on a Redis
 * of its own whose files are gone afterwards.
 * @throws AppError `not_loopback`, and what keeps the broker or Redis from starting
 */
export async function runOpenBroker(settings: Settings): Promise<void> {
  assertLoopback(settings);
  const { stop } = watchStopSignals();
  await removeLeftFolders();
  const programs = await ensureServers(['redis'], (doing) => console.error(doing));
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  prepareDataFolder(folder);
  const { spec, url } = privateRedis(programs.redis, folder, await freePort(), settings.REDIS_MEMORY_MB);
  const redis = new SupervisedChild(spec, (event) => {
    if (event !== undefined) console.error(event);
    record(folder, settings, redis);
  });
  try {
    await redis.start(stop);
    const { startBroker } = await import('../broker/app.js');
    // The broker itself never asks for InfluxDB.
    await runRole('broker', { ...settings, REDIS_URL: url, INFLUX_URL: '' }, async (context) => {
      await startBroker(context, { open: true });
      const urls = mqttAddresses(settings).map((address) => address.url);
      console.log(`Open to anybody on this machine: ${urls.join(', ')}. Nothing is kept. Ctrl-C stops it.`);
    });
  } finally {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Should this process be killed, the next open broker finds by this what to end. */
function record(folder: string, settings: Settings, redis: SupervisedChild): void {
  writeRunRecord(folder, {
    pid: process.pid,
    identity: processIdentity(process.pid),
    clock: 'wall',
    mqtt: null,
    listeners: mqttAddresses(settings).map(({ url }) => url),
    http: '',
    processes: redis.record === undefined ? [] : [redis.record],
  });
}

async function removeLeftFolders(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = join(tmpdir(), name);
    // Anybody may make a folder there, and name in it what is to be ended.
    if (!isOurOwn(folder)) continue;
    const left = readRunRecord(folder);
    if (left === undefined || isRunning(left)) continue;
    await endOrphans(left);
    rmSync(folder, { recursive: true, force: true });
  }
}

function isOurOwn(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o777) === 0o700;
}
