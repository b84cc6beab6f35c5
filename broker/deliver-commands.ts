import type { Redis } from '../runtime/redis-connection.js';
import type { RoleContext } from '../runtime/role.js';
import { CommandDelivery } from './command-delivery.js';
import { CommandFeed, createCommandTable } from './redis-command-table.js';

/** The delivery of the commands in Redis, told of new ones until it is stopped. */
export function deliverCommands(
  { redisUrl, clock, log }: RoleContext,
  redis: Redis,
  onSent: () => void,
): { readonly delivery: CommandDelivery; stop(): void } {
  const table = createCommandTable(redis, `broker:${process.pid}`, clock);
  const delivery = new CommandDelivery({ table, clock, log, onSent });
  const feed = new CommandFeed(redisUrl, redis, log, {
    issued: (devices) => delivery.look(devices),
    open: (devices) => delivery.lookAtAll(devices),
  });
  return {
    delivery,
    stop: () => {
      feed.stop();
      delivery.stop();
    },
  };
}
