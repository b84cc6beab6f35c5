import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import type { Contact } from './contact.js';
import type { Device } from './device.js';
import type { KeptPresence, Presence, PresenceChange } from './presence.js';
import { shardOf } from './site.js';

/** A registered device and whether it is there. */
export interface DevicePresence {
  readonly device: Device;
  readonly presence: Presence;
  /** Absent where no broker has seen a connection of it. */
  readonly contact?: Contact | undefined;
}

/** The presence of one device, a few seconds old at most. */
export async function readPresence(redis: Redis, device: Device): Promise<Omit<DevicePresence, 'device'>> {
  const shards = await readShardCount(redis);
  const [kept, contact] = await Promise.all([
    shards === 0 ? null : redis.hget(redisKeys.presence(shardOf(device.site, shards)), device.id),
    redis.hget(redisKeys.contacts, device.id),
  ]);
  return combine(kept, contact);
}

/** The presence of all registered devices, by site and id. */
export async function listPresences(redis: Redis): Promise<DevicePresence[]> {
  const [devices, contacts, keptOf] = await Promise.all([
    redis.hvals(redisKeys.devices),
    redis.hgetall(redisKeys.contacts),
    ofEachShard(redis, (shard) => redis.hgetall(redisKeys.presence(shard))),
  ]);
  return devices
    .map((json) => JSON.parse(json) as Device)
    .map((device) => {
      const kept = keptOf.length === 0 ? undefined : keptOf[shardOf(device.site, keptOf.length)]?.[device.id];
      return { device, ...combine(kept, contacts[device.id]) };
    })
    .sort((a, b) => (orderOf(a.device) < orderOf(b.device) ? -1 : 1));
}

/** The newest changes of presence, newest first. */
export async function listPresenceChanges(redis: Redis, count: number): Promise<PresenceChange[]> {
  const ofShards = await ofEachShard(redis, (shard) =>
    redis.xrevrange(redisKeys.presenceChanges(shard), '+', '-', 'COUNT', count),
  );
  return ofShards
    .flat()
    .map(([, fields]) => JSON.parse(fields[1] ?? '') as PresenceChange)
    .sort((a, b) => b.at - a.at || (a.device < b.device ? -1 : 1))
    .slice(0, count);
}

async function ofEachShard<Answer>(redis: Redis, ask: (shard: number) => Promise<Answer>): Promise<Answer[]> {
  const shards = await readShardCount(redis);
  return Promise.all(Array.from({ length: shards }, (_, shard) => ask(shard)));
}

function combine(
  keptJson: string | null | undefined,
  contactJson: string | null | undefined,
): Omit<DevicePresence, 'device'> {
  const kept = typeof keptJson === 'string' ? (JSON.parse(keptJson) as KeptPresence) : undefined;
  const contact = typeof contactJson === 'string' ? (JSON.parse(contactJson) as Contact) : undefined;
  const seenAt = Math.max(kept?.lastSeenAt ?? 0, contact?.lastSeenAt ?? 0);
  return {
    presence: {
      state: kept?.state ?? 'unknown',
      ...(kept === undefined ? {} : { since: kept.since }),
      ...(seenAt === 0 ? {} : { lastSeenAt: seenAt }),
      ...(kept?.through === undefined ? {} : { through: kept.through }),
    },
    ...(contact === undefined ? {} : { contact }),
  };
}

function orderOf({ site, id }: Device): string {
  return `${site}/${id}`;
}
