import { decideAndCommit } from '../../devices/redis-registry-changes.js';
import type { DecidedChange } from '../../devices/redis-registry-changes.js';
import type { RuleMode } from '../../rules/rule.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { RuleModes } from './rule-set.js';

/** What somebody decided about a rule, whatever its file says. */
export interface ModeDecision {
  readonly mode: RuleMode;
  readonly by: string;
  /** Pipeline time, epoch ms. */
  readonly at: number;
}

/** All such decisions, by rule. */
export async function listModeDecisions(redis: Redis): Promise<ReadonlyMap<string, ModeDecision>> {
  const rows = await redis.hgetall(redisKeys.ruleModes);
  return new Map(Object.entries(rows).map(([rule, json]) => [rule, JSON.parse(json) as ModeDecision]));
}

/** The modes alone, as rules are judged by. */
export async function loadRuleModes(redis: Redis): Promise<RuleModes> {
  const decisions = [...(await listModeDecisions(redis))].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(decisions.map(([rule, { mode }]) => [rule, mode]));
}

const asInFile = 'as in its file';

/**
 * Puts a rule in a mode, or, with `undefined`, lets its file say it again; every ingest follows within seconds.
 * @returns whether that changed anything
 */
export function decideMode(
  redis: Redis,
  rule: string,
  mode: RuleMode | undefined,
  who: { readonly by: string; readonly at: number },
): Promise<boolean> {
  return decideAndCommit(redis, async (): Promise<DecidedChange<boolean>> => {
    const json = await redis.hget(redisKeys.ruleModes, rule);
    const known = json === null ? undefined : (JSON.parse(json) as ModeDecision);
    if (known?.mode === mode) return { changes: [], read: [], write: [], outcome: false };
    const decision: ModeDecision | undefined = mode && { mode, ...who };
    return {
      changes: [{ kind: 'rule_mode', id: rule }],
      read: [json === null ? [redisKeys.ruleModes, rule] : [redisKeys.ruleModes, rule, json]],
      write: [
        decision === undefined
          ? [redisKeys.ruleModes, rule]
          : [redisKeys.ruleModes, rule, JSON.stringify(decision)],
      ],
      audit: [
        { ...who, what: 'rule.mode', id: rule, before: known?.mode ?? asInFile, after: mode ?? asInFile },
      ],
      outcome: true,
    };
  });
}
