import { createHash } from 'node:crypto';
import { parseRules } from '../../rules/parse-rules.js';
import type { RuleFile } from '../../rules/parse-rules.js';
import type { CompiledRule, RuleMode } from '../../rules/rule.js';

/** The modes that somebody put rules in, by rule; they count before those of the files. */
export type RuleModes = Readonly<Record<string, RuleMode>>;

/** Rules as they are judged by: what the files say, in the modes that count. */
export interface RuleSet {
  /** The same for sets that say the same; comments and layout don't matter. */
  readonly id: string;
  readonly rules: readonly CompiledRule[];
  /** The same in the modes that the files give them. */
  readonly written: readonly CompiledRule[];
  readonly files: readonly RuleFile[];
  readonly modes: RuleModes;
}

/** @throws RuleSetError with every mistake of the files */
export function parseRuleSet(files: readonly RuleFile[], modes: RuleModes): RuleSet {
  return createRuleSet(files, parseRules(files), modes);
}

/** @param written what the files hold */
export function createRuleSet(
  files: readonly RuleFile[],
  written: readonly CompiledRule[],
  modes: RuleModes,
): RuleSet {
  const rules = written.map((rule) => {
    const mode = modes[rule.id];
    return mode === undefined || mode === rule.mode ? rule : { ...rule, mode };
  });
  const said = JSON.stringify(rules.map(({ id, version, mode }) => [id, version, mode]));
  const id = createHash('sha256').update(said).digest('hex').slice(0, 32);
  return { id, rules, written, files, modes };
}

/** What is other in the second set, as a person counts it: `1 added, 2 changed`. */
export function describeDifference(before: RuleSet, after: RuleSet): string {
  const old = new Map(before.rules.map((rule) => [rule.id, rule]));
  const counts = { added: 0, changed: 0, removed: 0 };
  for (const { id, version, mode } of after.rules) {
    const known = old.get(id);
    old.delete(id);
    if (known === undefined) counts.added++;
    else if (known.version !== version || known.mode !== mode) counts.changed++;
  }
  counts.removed = old.size;
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return parts.map(([what, count]) => `${count} ${what}`).join(', ') || 'the same in another order';
}
