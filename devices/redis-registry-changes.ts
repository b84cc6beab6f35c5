import type { ChainableCommander } from 'ioredis';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';

/** What was added, changed or removed; `everything` stands for more than is worth naming. */
export type RegistryChange =
  { readonly kind: 'site' | 'device' | 'credentials'; readonly id: string } | { readonly kind: 'everything' };

/** The feed keeps about this many changes; who was away for longer has to look at everything anyway. */
const keptChanges = 10_000;
/** A commit of more changes than this (an import) is told as `everything`. */
const namedChanges = 1000;

/**
 * Changes sites, devices or credentials, and tells those who follow the registry, in one transaction.
 * @param write queues the commands that make the change
 */
export async function commitChanges(
  redis: Redis,
  changes: readonly RegistryChange[],
  write: (multi: ChainableCommander) => void,
): Promise<void> {
  const multi = redis.multi();
  write(multi);
  multi.incr(redisKeys.registryVersion);
  const told: readonly RegistryChange[] = changes.length > namedChanges ? [{ kind: 'everything' }] : changes;
  for (const change of told) {
    const id = change.kind === 'everything' ? [] : ['id', change.id];
    multi.xadd(redisKeys.registryChanges, 'MAXLEN', '~', keptChanges, '*', 'kind', change.kind, ...id);
  }
  const results = await multi.exec();
  for (const [error] of results ?? []) if (error !== null) throw error;
}

/** The change that an entry of the stream tells of; one we do not understand may be anything. */
export function parseChange(fields: readonly string[]): RegistryChange {
  const [, kind, , id] = fields;
  if (id !== undefined && (kind === 'site' || kind === 'device' || kind === 'credentials')) {
    return { kind, id };
  }
  return { kind: 'everything' };
}
