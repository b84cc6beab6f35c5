import type { RuleFile } from '../../rules/parse-rules.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { parseRuleSet } from './rule-set.js';
import type { RuleModes, RuleSet } from './rule-set.js';

/** What is kept of a set. */
interface KeptRuleSet {
  readonly files: readonly RuleFile[];
  readonly modes: RuleModes;
}

/** One that no checkpoint names is forgotten after this long without a use, wall ms. */
const keepUnnamedMs = 86_400_000;

/** Keeps a set, so that whoever takes a shard over can go on by it, whatever is in the folder by then. */
export async function keepRuleSet(redis: Redis, { id, files, modes }: RuleSet, now: number): Promise<void> {
  const kept: KeptRuleSet = { files, modes };
  await redis.zadd(redisKeys.ruleSetsUsed, now, id);
  await redis.hset(redisKeys.ruleSets, id, JSON.stringify(kept));
  const old = await redis.zrangebyscore(redisKeys.ruleSetsUsed, '-inf', now - keepUnnamedMs);
  if (old.length === 0) return;
  const named = new Set<string | null>();
  for (let shard = 0; shard < (await readShardCount(redis)); shard++)
    named.add(await redis.hget(redisKeys.judge(shard), '@rules'));
  const unnamed = old.filter((each) => !named.has(each));
  if (unnamed.length === 0) return;
  await redis.hdel(redisKeys.ruleSets, ...unnamed);
  await redis.zrem(redisKeys.ruleSetsUsed, ...unnamed);
}

/** The set that a checkpoint names; undefined where it is not kept, or this version of ours refuses it. */
export async function findRuleSet(redis: Redis, id: string): Promise<RuleSet | undefined> {
  const json = await redis.hget(redisKeys.ruleSets, id);
  if (json === null) return undefined;
  const { files, modes } = JSON.parse(json) as KeptRuleSet;
  try {
    return parseRuleSet(files, modes);
  } catch {
    return undefined;
  }
}

/** The set that was switched to last. */
export async function findLatestRuleSet(redis: Redis): Promise<RuleSet | undefined> {
  const [id] = await redis.zrevrange(redisKeys.ruleSetsUsed, 0, 0);
  return id === undefined ? undefined : findRuleSet(redis, id);
}
