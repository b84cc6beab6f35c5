import { join } from 'node:path';

/** How a private Redis is run: durable (AOF fsynced before each reply), never evicting, loopback only. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Environment variables beside the inherited ones. */
  readonly env: Readonly<Record<string, string>>;
  /** Where its clients connect. */
  readonly url: string;
}

/** @param binary path of `redis-server` or `valkey-server`; `folder` must exist */
export function privateRedisCommand(
  binary: string,
  folder: string,
  port: number,
  memoryMb: number,
): ServerCommand {
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    'no-appendfsync-on-rewrite': 'no',
    maxmemory: `${memoryMb}mb`,
    'maxmemory-policy': 'noeviction',
    // The AOF is the one truth; RDB snapshots beside it would only cost writes.
    save: '',
    logfile: join(folder, 'redis.log'),
    daemonize: 'no',
  };
  return {
    command: binary,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: {},
    url: `redis://127.0.0.1:${port}`,
  };
}
