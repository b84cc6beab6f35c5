import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { DecidedChange } from './redis-registry-changes.js';

/** What somebody decided about rules or announced as maintenance. */
export interface AuditedDecision {
  /** Pipeline time, epoch ms. */
  readonly at: number;
  readonly by: string;
  readonly what: 'rule_mode' | 'maintenance';
  /** The rule or the maintenance window. */
  readonly id: string;
  /** The mode, or what was done with the window. */
  readonly to: string;
}

const kept = 10_000;

/** The entry as it is written together with the change that it tells of. */
export function auditEntry(decision: AuditedDecision): NonNullable<DecidedChange<unknown>['append']>[number] {
  return { stream: redisKeys.audit, keep: kept, fields: ['a', JSON.stringify(decision)] };
}

/** The newest decisions of a kind first, at most `count`. */
export async function listDecisions(
  redis: Redis,
  what: AuditedDecision['what'],
  count: number,
): Promise<AuditedDecision[]> {
  const rows = await redis.xrevrange(redisKeys.audit, '+', '-');
  return rows
    .map(([, fields]) => JSON.parse(fields[1] ?? '') as AuditedDecision)
    .filter((decision) => decision.what === what)
    .slice(0, count);
}
