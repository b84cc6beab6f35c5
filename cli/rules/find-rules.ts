import { listAlarms } from '../../alerts/redis-alarm-list.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import { listModeDecisions } from '../../ingest/rules/redis-rule-modes.js';
import type { ModeDecision } from '../../ingest/rules/redis-rule-modes.js';
import { findLatestRuleSet } from '../../ingest/rules/redis-rule-sets.js';
import { loadRules } from '../../rules/load-rules.js';
import { RuleSetError } from '../../rules/rule-problem.js';
import type { CompiledRule, RuleMode } from '../../rules/rule.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { ruleFolders } from '../../runtime/rules-folder.js';
import type { Settings } from '../../runtime/settings.js';
import { findInstanceIfAny } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { givenFlags, readSettings } from '../settings-flags.js';

/** Settings that lead a verb to rules. */
export const rulesSettings = ['DATA_DIR', 'REDIS_URL', 'RULES_DIR', 'RULES_CATALOGUE'] as const;

/** A rule as a verb shows it. */
export interface ShownRule extends CompiledRule {
  /** The mode that counts. */
  readonly mode: RuleMode;
  /** The mode that its file gives it. */
  readonly writtenMode: RuleMode;
  /** What somebody decided about it, whatever its file says. */
  readonly decision: ModeDecision | undefined;
  /** Active alarms of it; null where no pipeline runs. */
  readonly active: number | null;
  /** The same of alarms that nobody is told of. */
  readonly shadow: number | null;
}

/**
 * The rules that the running pipeline judges by; without one, or where a folder of rules is named, those of the files.
 * Where these have mistakes and nobody asked for this very folder, the pipeline's, with a warning.
 * @throws RuleSetError when the files have mistakes
 */
export async function findRules(options: Readonly<Record<string, unknown>>): Promise<readonly ShownRule[]> {
  const settings = readSettings(options);
  const redisUrl = findInstanceIfAny(options)?.redisUrl;
  const fromFiles = isFolderNamed(options);
  if (redisUrl === undefined) return withoutPipeline(settings);
  return withRedis(redisUrl, async (redis) => {
    const set = fromFiles ? undefined : await findLatestRuleSet(redis);
    if (set !== undefined) return show(redis, set.written);
    const folders = ruleFolders(settings);
    const written = await loadRules(...folders).catch(async (error: unknown) => {
      const isAsked = givenFlags(options).RULES_DIR !== undefined;
      const running = error instanceof RuleSetError && !isAsked ? await findLatestRuleSet(redis) : undefined;
      if (running === undefined) throw error;
      console.error(
        `! The rule files in ${folders[0]} have mistakes ("campus rules check" lists them): these are the rules that ` +
          'the pipeline goes on with.',
      );
      return running.written;
    });
    return show(redis, written);
  });
}

/**
 * The same, where a verb takes the folder as an option of its own.
 * @param folder undefined: as `options` say
 */
export function findRulesIn(
  options: Readonly<Record<string, unknown>>,
  folder: string | undefined,
): Promise<readonly ShownRule[]> {
  return findRules(withRulesFolder(options, folder));
}

/** The options, with the folder that a verb takes as an option of its own. */
export function withRulesFolder(
  options: Readonly<Record<string, unknown>>,
  folder: string | undefined,
): Readonly<Record<string, unknown>> {
  return folder === undefined ? options : { ...options, rulesDir: folder };
}

/** The rule of that id among them. @throws AppError `unknown_rule` */
export function pickRule<Rule extends CompiledRule>(rules: readonly Rule[], id: string): Rule {
  const rule = rules.find((each) => each.id === id);
  if (rule !== undefined) return rule;
  const meant = didYouMean(
    id,
    rules.map((each) => each.id),
  );
  throw new AppError('unknown_rule', `There is no rule "${id}".${meant} See "campus rules list".`);
}

function isFolderNamed(options: Readonly<Record<string, unknown>>): boolean {
  const flags = givenFlags(options);
  return (['RULES_DIR', 'RULES_CATALOGUE'] as const).some(
    (name) => (flags[name] ?? process.env[name] ?? '') !== '',
  );
}

async function withoutPipeline(settings: Settings): Promise<readonly ShownRule[]> {
  const rules = await loadRules(...ruleFolders(settings));
  return rules.map((rule) => ({
    ...rule,
    writtenMode: rule.mode,
    decision: undefined,
    active: null,
    shadow: null,
  }));
}

async function show(redis: Redis, written: readonly CompiledRule[]): Promise<readonly ShownRule[]> {
  const [decisions, active, shadow] = await Promise.all([
    listModeDecisions(redis),
    countByRule(redis, 'real'),
    countByRule(redis, 'shadow'),
  ]);
  return written.map((rule) => {
    const decision = decisions.get(rule.id);
    return {
      ...rule,
      mode: decision?.mode ?? rule.mode,
      writtenMode: rule.mode,
      decision,
      active: active.get(rule.id) ?? 0,
      shadow: shadow.get(rule.id) ?? 0,
    };
  });
}

async function countByRule(redis: Redis, kind: 'real' | 'shadow'): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { rule } of await listAlarms(redis, 'active', kind))
    counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return counts;
}
