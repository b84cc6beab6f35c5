import { join } from 'node:path';
import { withRedis } from '../redis-session.js';
import { createLogger } from '../../runtime/logger.js';
import { connectRedis } from '../../runtime/redis-connection.js';
import type { ChildSpec, Readiness } from '../supervisor/supervised-child.js';
import { privateRedisCommand } from './private-redis.js';

const silent = createLogger('redis', 'silent');

/** The private Redis of a data folder, to be run by the supervisor. */
export function privateRedis(
  binary: string,
  folder: string,
  port: number,
  memoryMb: number,
): { spec: ChildSpec; url: string } {
  const { command, args, env, url } = privateRedisCommand(binary, join(folder, 'redis'), port, memoryMb);
  const spec: ChildSpec = {
    name: 'redis',
    command,
    args,
    env: { ...process.env, ...env },
    logFile: join(folder, 'log', 'redis.log'),
    ready: () => askReadiness(url),
  };
  return { spec, url };
}

/** While it loads its append-only file, Redis answers INFO and little else. */
async function askReadiness(url: string): Promise<Readiness> {
  const redis = connectRedis(url, silent, { commandTimeout: 500, enableReadyCheck: false });
  try {
    const about = await redis.info('persistence');
    if (!/^loading:1/m.test(about)) return 'ready';
    const percent = /^loading_loaded_perc:([\d.]+)/m.exec(about)?.[1];
    return { loading: `Redis loads its files (${Math.floor(Number(percent ?? 0))} %)` };
  } finally {
    redis.disconnect();
  }
}

/** What kind of server answers, e.g. `Redis 7.0.15`. */
export async function describeRedis(url: string): Promise<string> {
  const about = await withRedis(url, (redis) => redis.info('server'));
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\s*$`, 'm').exec(about)?.[1];
  const valkey = field('valkey_version');
  return valkey === undefined ? `Redis ${field('redis_version') ?? '?'}` : `Valkey ${valkey}`;
}
