import { join } from 'node:path';
import { withRedis } from '../redis-session.js';
import type { ChildSpec } from '../supervisor/supervised-child.js';
import { privateRedisCommand } from './private-redis.js';

/** The private Redis of a data folder, to be run by the supervisor. */
export function privateRedis(binary: string, folder: string, port: number): { spec: ChildSpec; url: string } {
  const { command, args, env, url } = privateRedisCommand(binary, join(folder, 'redis'), port);
  const spec: ChildSpec = {
    name: 'redis',
    command,
    args,
    env: { ...process.env, ...env },
    logFile: join(folder, 'log', 'redis.log'),
    // The connection itself waits while Redis loads its files.
    ready: () => withRedis(url, async (redis) => (await redis.ping()).length > 0, 500),
  };
  return { spec, url };
}

/** What kind of server answers, e.g. `Redis 7.0.15`. */
export async function describeRedis(url: string): Promise<string> {
  const about = await withRedis(url, (redis) => redis.info('server'));
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\s*$`, 'm').exec(about)?.[1];
  const valkey = field('valkey_version');
  return valkey === undefined ? `Redis ${field('redis_version') ?? '?'}` : `Valkey ${valkey}`;
}
