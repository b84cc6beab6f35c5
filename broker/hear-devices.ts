import { shardOf } from '../devices/site.js';
import { messageOf } from '../runtime/app-error.js';
import { connectRedis } from '../runtime/redis-connection.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { RoleContext } from '../runtime/role.js';
import type { ClientConnection } from './client-connection.js';
import type { FrontDoor } from './front-door.js';
import type { Qos } from './guard/check-subscribe.js';
import { LiveFeed } from './redis-live-feed.js';
import type { RegisteredDevices } from './redis-registered-devices.js';
import { sendRetained } from './redis-retained.js';

/**
 * Lets operators hear what devices of their sites publish, whichever broker a device is at: first what is
 * retained, then what the reading log takes. Everybody else hears no device.
 */
export function hearDevices(
  { redisUrl, log }: RoleContext,
  redis: Redis,
  parts: {
    readonly registered: RegisteredDevices;
    readonly shards: number;
    readonly door: () => Pick<FrontDoor, 'route'>;
  },
): {
  /** Resolves when nothing is missed from now on; undefined for who hears no device. */
  listen(connection: ClientConnection): Promise<void> | undefined;
  sendRetained(connection: ClientConnection, granted: ReadonlyMap<string, Qos>): void;
  gone(connection: ClientConnection): void;
  stop(): void;
} {
  const feed = new LiveFeed<ClientConnection>({
    redis: connectRedis(redisUrl, log, { commandTimeout: 5000 }),
    log,
    route: (message) => parts.door().route(message),
    onMissed: (connection) => connection.destroy(),
  });
  const sitesByShard = ({ session }: ClientConnection) => {
    const sites = new Map<number, Set<string>>();
    if (session?.account?.kind !== 'operator') return sites;
    for (const site of session.account.sites) {
      const shard = shardOf(site, parts.shards);
      sites.set(shard, (sites.get(shard) ?? new Set()).add(site));
    }
    return sites;
  };
  return {
    listen: (connection) => {
      const sites = sitesByShard(connection);
      if (sites.size === 0) return undefined;
      return feed.join(connection, sites).then(() => {
        if (connection.ended) void feed.leave(connection);
      });
    },
    sendRetained: (connection, granted) => {
      const shards = sitesByShard(connection).keys();
      const { topics, done } = feed.watch(connection);
      sendRetained({ redis, registered: parts.registered }, connection, granted, shards, topics)
        .catch((error: unknown) => {
          // Without it the client would take what it does not know for what there is not.
          log.debug(`retained messages can not be read: ${messageOf(error)}`);
          connection.destroy();
        })
        .finally(done);
    },
    gone: (connection) => {
      if (connection.session?.account?.kind === 'operator') void feed.leave(connection);
    },
    stop: () => feed.stop(),
  };
}
