import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { commitChanges } from './redis-registry-changes.js';
import type { RegistryChange } from './redis-registry-changes.js';
import type { Registry } from './registry.js';

/** The whole registry as it was at one moment. */
export interface RegistrySnapshot {
  readonly registry: Registry;
  /** Goes up with every change. */
  readonly version: string;
}

const parts = [
  { name: 'sites', key: redisKeys.sites, kind: 'site' },
  { name: 'rooms', key: redisKeys.rooms, kind: 'room' },
  { name: 'timetables', key: redisKeys.timetables, kind: 'timetable' },
  { name: 'devices', key: redisKeys.devices, kind: 'device' },
] as const;

/** Fields per command: an import of a city is some dozen commands. */
const fieldsPerCommand = 1000;

export async function loadRegistry(redis: Redis): Promise<RegistrySnapshot> {
  const transaction = redis.multi().get(redisKeys.registryVersion);
  for (const { key } of parts) transaction.hgetall(key);
  const [version, ...hashes] = (await transaction.exec()) ?? [];
  const maps = parts.map(({ name }, i): [string, ReadonlyMap<string, unknown>] => {
    const [error, hash] = hashes[i] ?? [null, {}];
    if (error !== null) throw error;
    const records = Object.entries(hash as Record<string, string>);
    return [name, new Map(records.map(([id, json]): [string, unknown] => [id, JSON.parse(json)]))];
  });
  return {
    registry: Object.fromEntries(maps) as unknown as Registry,
    version: (version?.[1] as string | null) ?? '',
  };
}

/**
 * Makes the registry be `after`, all at once or, when somebody else changed it since the snapshot was taken, not
 * at all. The credentials of a device that is no more end with it.
 * @param redis a connection that nobody else uses meanwhile: it watches the registry
 * @returns false when it was changed by somebody else
 */
export async function replaceRegistry(
  redis: Redis,
  { registry: before, version }: RegistrySnapshot,
  after: Registry,
): Promise<boolean> {
  await redis.watch(redisKeys.registryVersion);
  if (((await redis.get(redisKeys.registryVersion)) ?? '') !== version) {
    await redis.unwatch();
    return false;
  }
  const changes: RegistryChange[] = [];
  const writes = parts.map(({ name, key, kind }) => {
    const [old, wanted]: ReadonlyMap<string, unknown>[] = [before[name], after[name]];
    const put: string[] = [];
    for (const [id, record] of wanted ?? []) {
      const json = JSON.stringify(record);
      if (JSON.stringify(old?.get(id)) === json) continue;
      put.push(id, json);
      changes.push({ kind, id });
    }
    const removed = [...(old?.keys() ?? [])].filter((id) => wanted?.has(id) !== true);
    for (const id of removed) changes.push({ kind, id });
    return { name, key, put, removed };
  });
  return commitChanges(redis, changes, (multi) => {
    for (const { name, key, put, removed } of writes) {
      for (const some of chunks(put, 2 * fieldsPerCommand)) multi.hset(key, ...some);
      for (const some of chunks(removed, fieldsPerCommand)) {
        multi.hdel(key, ...some);
        if (name === 'devices') multi.hdel(redisKeys.credentials, ...some);
      }
    }
  });
}

function* chunks(items: readonly string[], size: number): Generator<string[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
