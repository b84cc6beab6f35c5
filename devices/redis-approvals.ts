import { randomBytes } from 'node:crypto';
import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { digestOfDeed, namedDevices, whyNotDecidable } from './approval.js';
import type { Approval, ApprovedDeed } from './approval.js';
import type { AuditEvent } from './audit.js';
import { didYouMean } from './did-you-mean.js';
import { auditArguments, auditKeys } from './redis-audit.js';
import { auditLua } from './redis-audit-script.js';

const dayMs = 86_400_000;
const keptDays = 30;

/**
 * KEYS[1] a hash, KEYS[2] audit head, KEYS[3] audit; ARGV[1] field, ARGV[2] what it holds now or '', ARGV[3] what it is to
 * hold, then text and digest of what goes on record. Returns 1, or 0 when it holds something else by now. Atomic.
 */
const replaceScript = `${auditLua}
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for i = 4, #ARGV, 2 do audit(KEYS[2], KEYS[3], ARGV[i], ARGV[i + 1]) end
return 1`;

/**
 * Replaces a record of a hash together with what goes on record of it, where it still is what was read.
 * @returns whether it was
 */
export async function replaceRecord(
  redis: Redis,
  change: {
    readonly key: string;
    readonly id: string;
    /** Its JSON; absent: it must not be there yet. */
    readonly before?: string | undefined;
    readonly after: object;
    readonly audit: readonly AuditEvent[];
  },
): Promise<boolean> {
  const { key, id, before = '', after, audit } = change;
  const args = [id, before, JSON.stringify(after), ...auditArguments(audit)];
  return (await redis.eval(replaceScript, 3, key, ...auditKeys, ...args)) === 1;
}

/** Asks for the approval of a second person; those that were settled long ago are forgotten. */
export async function requestApproval(
  redis: Redis,
  wanted: ApprovedDeed &
    Pick<Approval, 'sites' | 'rollout' | 'why' | 'requestedBy' | 'expiresAt'> & {
      /** @defaultValue one made up */
      readonly id?: string | undefined;
    },
  now: number,
): Promise<Approval> {
  const { action, args, targets, sites, rollout, why, requestedBy, expiresAt } = wanted;
  const id = wanted.id ?? randomBytes(4).toString('hex');
  const approval: Approval = {
    id,
    digest: digestOfDeed(wanted),
    action,
    args,
    devices: targets.slice(0, namedDevices).map(({ device }) => device),
    count: targets.length,
    sites: [...new Set(sites)].sort(),
    rollout,
    why,
    requestedBy,
    requestedAt: now,
    expiresAt,
    state: 'pending',
  };
  const event: AuditEvent = { at: now, by: requestedBy, what: 'approval.requested', id, after: approval };
  const isNew = await replaceRecord(redis, { key: redisKeys.approvals, id, after: approval, audit: [event] });
  const old = (await listApprovals(redis)).filter(({ expiresAt: until }) => until < now - keptDays * dayMs);
  if (old.length > 0) await redis.hdel(redisKeys.approvals, ...old.map((each) => each.id));
  return isNew ? approval : await findApproval(redis, id);
}

/**
 * Answers it.
 * @param check asked about it first; throws where that person may not
 * @throws AppError `unknown_approval`, `not_decidable`
 */
export async function decideApproval(
  redis: Redis,
  id: string,
  answer: {
    readonly to: 'approved' | 'rejected';
    readonly by: string;
    readonly at: number;
    readonly comment?: string | undefined;
  },
  check: (approval: Approval) => void = () => undefined,
): Promise<Approval> {
  for (;;) {
    const before = await readApproval(redis, id);
    const approval = JSON.parse(before) as Approval;
    check(approval);
    const { to, by, at, comment } = answer;
    const why = whyNotDecidable(approval, by, at);
    if (why !== undefined) throw new AppError('not_decidable', why);
    const after: Approval = { ...approval, state: to, decidedBy: by, decidedAt: at, comment };
    const event = { at, by, what: `approval.${to}`, id, before: 'pending', after: to, why: comment } as const;
    const audit: AuditEvent[] = [event];
    if (await replaceRecord(redis, { key: redisKeys.approvals, id, before, after, audit })) return after;
    // Somebody else was faster: the same question again, of what it is now.
  }
}

/** @throws AppError `unknown_approval` */
export async function findApproval(redis: Redis, id: string): Promise<Approval> {
  return JSON.parse(await readApproval(redis, id)) as Approval;
}

/** All that are remembered, newest first. */
export async function listApprovals(redis: Redis): Promise<Approval[]> {
  const rows = await redis.hvals(redisKeys.approvals);
  return rows.map((json) => JSON.parse(json) as Approval).sort((a, b) => b.requestedAt - a.requestedAt);
}

async function readApproval(redis: Redis, id: string): Promise<string> {
  const json = await redis.hget(redisKeys.approvals, id);
  if (json !== null) return json;
  const meant = didYouMean(id, await redis.hkeys(redisKeys.approvals));
  throw new AppError('unknown_approval', `There is no approval "${id}".${meant}`);
}
