import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../cli/stores/free-port.js';
import { privateInfluxCommand } from '../../cli/stores/private-influx.js';
import { privateRedisCommand } from '../../cli/stores/private-redis.js';
import type { ServerCommand } from '../../cli/stores/private-redis.js';

/** A real database server of a test's own, on a free port with its files in a temporary folder. */
export interface TestServer {
  readonly url: string;
  readonly pid: number;
  /** SIGKILL: what was fsynced stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and files. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

export async function startTestRedis(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'campus-redis-'));
  return serve(privateRedisCommand('redis-server', folder, await freePort(), 4096), folder, redisAnswers);
}

export async function startTestInflux(): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'campus-influx-'));
  const ports = { http: await freePort(), rpc: await freePort() };
  return serve(await privateInfluxCommand('influxd', folder, ports), folder, async (url) => {
    return (await fetch(`${url}/ping`)).status === 204;
  });
}

export async function serve(
  server: ServerCommand,
  folder: string,
  answers: (url: string) => Promise<boolean>,
): Promise<TestServer> {
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(server.command, server.args, {
      stdio: 'ignore',
      env: { ...process.env, ...server.env },
    });
    let failure = '';
    child.once('error', (error) => (failure = error.message));
    child.once('exit', (code) => (failure = `exit code ${code}`));
    for (let tries = 0; tries < 200; tries++) {
      if (failure !== '') throw new Error(`${server.command} did not start: ${failure}`);
      if (await answers(server.url).catch(() => false)) return child;
      await sleep(50);
    }
    child.kill('SIGKILL');
    throw new Error(`${server.command} did not answer at ${server.url}`);
  };
  let child = await start();
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    url: server.url,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      child = await start();
    },
    stop: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function redisAnswers(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
    return true;
  } finally {
    redis.disconnect();
  }
}
