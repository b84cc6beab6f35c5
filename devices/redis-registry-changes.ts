import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChainableCommander } from 'ioredis';
import type { Redis } from '../runtime/redis-connection.js';
import { AppError } from '../runtime/app-error.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { AuditEvent } from './audit.js';
import { auditArguments, auditKeys, queueAudit } from './redis-audit.js';
import { auditLua } from './redis-audit-script.js';

/** What was added, changed or removed; `everything` stands for more than is worth naming. */
export type RegistryChange =
  { readonly kind: (typeof namedKinds)[number]; readonly id: string } | { readonly kind: 'everything' };

/** The id of a room is its `roomKey`, that of a timetable its site's. */
const namedKinds = [
  'site',
  'room',
  'timetable',
  'device',
  'credentials',
  'claim_token',
  'account',
  'rule_mode',
  'maintenance',
] as const;

/** What caches of the registry, and who replaces it, have to know of; who may come in is told by the feed alone. */
const placeKinds: ReadonlySet<RegistryChange['kind']> = new Set([
  'site',
  'room',
  'timetable',
  'device',
  'everything',
]);

/** The feed keeps about this many changes; who was away for longer has to look at everything anyway. */
const keptChanges = 10_000;
/** A commit of more changes than this (an import) is told as `everything`. */
const namedChanges = 1000;

/**
 * Changes the registry or credentials, tells those who follow them and puts on record who did it, in one transaction.
 * @param write queues the commands that make the change
 * @returns false when nothing was done because a key that the connection watches was changed
 */
export async function commitChanges(
  redis: Redis,
  changes: readonly RegistryChange[],
  write: (multi: ChainableCommander) => void,
  audit: readonly AuditEvent[] = [],
): Promise<boolean> {
  const multi = redis.multi();
  write(multi);
  queueAudit(multi, audit);
  if (isOfPlaces(changes)) multi.incr(redisKeys.registryVersion);
  for (const entry of toEntries(changes)) {
    multi.xadd(redisKeys.registryChanges, 'MAXLEN', '~', keptChanges, '*', ...entry);
  }
  const results = await multi.exec();
  for (const [error] of results ?? []) if (error !== null) throw error;
  return results !== null;
}

/** Key and field of a hash, and what it holds; no value: the field isn't there, or is to be removed. */
export type HashValue = readonly [key: string, field: string, value?: string];

/** A change that was decided on by what was read before. */
export interface DecidedChange<Outcome> {
  readonly changes: readonly RegistryChange[];
  /** What was read: the change is made only while this still holds. */
  readonly read: readonly HashValue[];
  /** None: nothing is to be changed. */
  readonly write: readonly HashValue[];
  /** Entries for other streams, of about `keep` entries each. */
  readonly append?: readonly { readonly stream: string; readonly keep: number; readonly fields: string[] }[];
  /** What goes on record with it. */
  readonly audit?: readonly AuditEvent[];
  readonly outcome: Outcome;
}

/**
 * Reads, decides and changes so that two who do so at once don't undo each other's work: when what was read
 * has changed meanwhile, `decide` is asked again. While somebody holds the registry (`holdRegistry`) it waits.
 * @throws AppError `busy` when it changes again and again; and what `decide` throws
 */
export async function decideAndCommit<Outcome>(
  redis: Redis,
  decide: () => Promise<DecidedChange<Outcome>>,
): Promise<Outcome> {
  const giveUpAt = performance.now() + 2 * longestHoldMs;
  for (let tries = 0; tries < 50;) {
    const { changes, read, write, append = [], audit = [], outcome } = await decide();
    if (write.length === 0) return outcome;
    const plan = {
      read,
      write,
      append: [
        ...toEntries(changes).map((entry) => [redisKeys.registryChanges, keptChanges, entry]),
        ...append.map(({ stream, keep, fields }) => [stream, keep, fields]),
      ],
    };
    const { registryVersion, registryHold, registryChanges } = redisKeys;
    const keys: string[] = [registryVersion, registryHold, ...auditKeys, registryChanges];
    keys.push(...[...read, ...write].map(([key]) => key), ...append.map(({ stream }) => stream));
    const ofPlaces = isOfPlaces(changes) ? 1 : 0;
    const answer = await redis.eval(
      commitScript,
      keys.length,
      ...keys,
      JSON.stringify(plan),
      ofPlaces,
      ...auditArguments(audit),
    );
    if (answer === committed) return outcome;
    if (answer !== held) tries++;
    else if (performance.now() < giveUpAt) await sleep(heldRetryMs);
    else break;
  }
  throw new AppError('busy', 'Others change the same thing all the time; try again.', { retryable: true });
}

/**
 * Asks those who change one thing (`decideAndCommit`) to wait, for who changes much and was overtaken again and again.
 * It ends by itself after a while, so whoever holds it still has to look whether something was changed.
 * @returns what lets the others go on; undefined: somebody else holds it
 */
export async function holdRegistry(redis: Redis): Promise<(() => Promise<void>) | undefined> {
  const owner = randomUUID();
  if ((await redis.set(redisKeys.registryHold, owner, 'PX', longestHoldMs, 'NX')) === null) return undefined;
  return async () => {
    await redis.eval(letGoScript, 1, redisKeys.registryHold, owner);
  };
}

const longestHoldMs = 15_000;
const heldRetryMs = 50;

// KEYS[1] the hold; ARGV[1] whose it must be to be ended.
const letGoScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

const committed = 1;
const held = 2;

// KEYS    the registry's version and its hold, the audit's head and log, then every key the plan names
// ARGV[1] the plan (JSON): read and write: [hash, field, value or nothing]; append: [stream, length, fields]
// ARGV[2] 1: sites, rooms, timetables or devices change; then text and digest of what goes on record
// Returns 1; or changes nothing, and returns 0 when a hash no longer holds what was read, 2 when it has to wait.
const commitScript = `${auditLua}
if ARGV[2] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
local plan = cjson.decode(ARGV[1])
for _, r in ipairs(plan.read) do
  if (redis.call('HGET', r[1], r[2]) or nil) ~= r[3] then return 0 end
end
for _, w in ipairs(plan.write) do
  if w[3] then redis.call('HSET', w[1], w[2], w[3]) else redis.call('HDEL', w[1], w[2]) end
end
for _, a in ipairs(plan.append) do
  redis.call('XADD', a[1], 'MAXLEN', '~', a[2], '*', unpack(a[3]))
end
if ARGV[2] == '1' then redis.call('INCR', KEYS[1]) end
for i = 3, #ARGV, 2 do audit(KEYS[3], KEYS[4], ARGV[i], ARGV[i + 1]) end
return 1`;

function isOfPlaces(changes: readonly RegistryChange[]): boolean {
  return changes.some(({ kind }) => placeKinds.has(kind));
}

function toEntries(changes: readonly RegistryChange[]): string[][] {
  const told: readonly RegistryChange[] = changes.length > namedChanges ? [{ kind: 'everything' }] : changes;
  return told.map((change) =>
    change.kind === 'everything' ? ['kind', change.kind] : ['kind', change.kind, 'id', change.id],
  );
}

/** The change that an entry of the stream tells of; one we do not understand may be anything. */
export function parseChange(fields: readonly string[]): RegistryChange {
  const [, written, , id] = fields;
  const kind = namedKinds.find((each) => each === written);
  return kind === undefined || id === undefined ? { kind: 'everything' } : { kind, id };
}
