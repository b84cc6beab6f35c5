import type { ChainableCommander } from 'ioredis';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { AuditEvent } from './audit.js';
import { listAccounts } from './redis-accounts.js';
import { listClaimTokens } from './redis-claims.js';
import { commitChanges } from './redis-registry-changes.js';
import type { HashValue, RegistryChange } from './redis-registry-changes.js';
import type { Registry } from './registry.js';

/** The whole registry as it was at one moment. */
export interface RegistrySnapshot {
  readonly registry: Registry;
  /** Goes up with every change of it; not with those of credentials, tokens and accounts. */
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
 * at all. The credentials of a device and the claim tokens of a site that are no more end
 * with them, and accounts lose such sites. Nobody wants anything of a device that is removed or moved.
 * @param redis a connection that nobody else uses meanwhile: it watches the registry
 * @returns false when it was changed by somebody else
 */
export async function replaceRegistry(
  redis: Redis,
  { registry: before, version }: RegistrySnapshot,
  after: Registry,
  by = 'pipeline',
): Promise<boolean> {
  await redis.watch(redisKeys.registryVersion);
  if (((await redis.get(redisKeys.registryVersion)) ?? '') !== version) {
    await redis.unwatch();
    return false;
  }
  const changes: RegistryChange[] = [];
  const goneSites = new Set([...before.sites.keys()].filter((id) => !after.sites.has(id)));
  // These change without the version, and what is left of a site is removed with it.
  if (goneSites.size > 0) await redis.watch(redisKeys.claimTokens, redisKeys.accounts);
  const orphans = await planOrphans(redis, goneSites);
  changes.push(...orphans.changes);
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
  const left = [...before.devices.values()].filter(({ id, site }) => after.devices.get(id)?.site !== site);
  const commit = (multi: ChainableCommander) => {
    for (const { id } of left) multi.hincrby(redisKeys.removals, id, 1).unlink(redisKeys.desired(id));
    for (const [key, field, value] of orphans.write) {
      if (value === undefined) multi.hdel(key, field);
      else multi.hset(key, field, value);
    }
    for (const { name, key, put, removed } of writes) {
      for (const some of chunks(put, 2 * fieldsPerCommand)) multi.hset(key, ...some);
      for (const some of chunks(removed, fieldsPerCommand)) {
        multi.hdel(key, ...some);
        if (name === 'devices') multi.hdel(redisKeys.credentials, ...some);
      }
    }
  };
  return commitChanges(redis, changes, commit, auditOf(changes, writes, by));
}

/** Named one by one in the audit are so many; of the others it has the number. */
const namedInAudit = 50;

function auditOf(
  changes: readonly RegistryChange[],
  writes: readonly {
    readonly name: string;
    readonly put: readonly string[];
    readonly removed: readonly string[];
  }[],
  by: string,
): AuditEvent[] {
  if (changes.length === 0) return [];
  const counts = Object.fromEntries(
    writes.map(({ name, put, removed }) => [name, { written: put.length / 2, removed: removed.length }]),
  );
  const named = changes
    .slice(0, namedInAudit)
    .map((change) => `${change.kind}/${'id' in change ? change.id : ''}`);
  return [{ at: Date.now(), by, what: 'registry.changed', id: 'registry', after: { counts, named } }];
}

/** What is left of sites beside the registry: nobody may get a foot in the door when a site comes again. */
async function planOrphans(
  redis: Redis,
  sites: ReadonlySet<string>,
): Promise<{ readonly changes: readonly RegistryChange[]; readonly write: readonly HashValue[] }> {
  const changes: RegistryChange[] = [];
  const write: HashValue[] = [];
  if (sites.size === 0) return { changes, write };
  for (const { id, site } of await listClaimTokens(redis)) {
    if (!sites.has(site)) continue;
    changes.push({ kind: 'claim_token', id });
    write.push([redisKeys.claimTokens, id]);
  }
  for (const account of await listAccounts(redis)) {
    const left = account.sites.filter((site) => !sites.has(site));
    if (left.length === account.sites.length) continue;
    changes.push({ kind: 'account', id: account.name });
    write.push([redisKeys.accounts, account.name, JSON.stringify({ ...account, sites: left })]);
  }
  return { changes, write };
}

function* chunks(items: readonly string[], size: number): Generator<string[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
