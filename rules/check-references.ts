import { didYouMean } from '../devices/did-you-mean.js';
import type { TextProblem } from '../devices/text-problem.js';
import type { PlacedRule } from './placed-rule.js';
import type { CompiledRule } from './rule.js';

/** The rules that a rule refers to with `active("…")`. */
export function referencesOf({ steps }: CompiledRule): Set<string> {
  const expressions = steps.flatMap(({ condition, clear }) => [
    condition,
    ...(clear === undefined ? [] : [clear]),
  ]);
  return new Set(expressions.flatMap(({ rules }) => [...rules.keys()]));
}

/** What is wrong with how rules refer to each other: to none that there is, or in a circle. */
export function checkReferences(rules: readonly PlacedRule[]): readonly TextProblem[] {
  const byId = new Map(rules.map((placed) => [placed.rule.id, placed]));
  const problems: TextProblem[] = [];
  for (const { rule, problemAt } of rules) {
    rule.steps.forEach((step, i) => {
      const path = rule.steps.length === 1 ? [] : ['steps', i];
      for (const key of ['condition', 'clear'] as const) {
        for (const [id, offset] of step[key]?.rules ?? []) {
          const target = byId.get(id)?.rule;
          const message =
            target === undefined
              ? `There is no rule "${id}".${didYouMean(id, [...byId.keys()])}`
              : whyNoReference(rule, target);
          if (message !== undefined) problems.push(problemAt([...path, key], message, offset));
        }
      }
    });
  }
  return [...problems, ...findCircles(byId)];
}

function whyNoReference(rule: CompiledRule, target: CompiledRule): string | undefined {
  if (target.group !== undefined)
    return `The rule "${target.id}" is about groups; active() asks for alarms of a device.`;
  const missing = rule.classes.find((each) => !target.classes.includes(each));
  return missing && `The rule "${target.id}" is not for devices of class ${missing}.`;
}

function findCircles(byId: ReadonlyMap<string, PlacedRule>): readonly TextProblem[] {
  const finished = new Set<string>();
  const problems: TextProblem[] = [];
  const visit = (id: string, way: readonly string[]) => {
    const placed = byId.get(id);
    if (placed === undefined || finished.has(id)) return;
    const since = way.indexOf(id);
    if (since >= 0) {
      const circle = [...way.slice(since), id].map((each) => `"${each}"`).join(' → ');
      problems.push(placed.problemAt(['id'], `These rules refer to each other in a circle: ${circle}.`));
      return;
    }
    for (const next of referencesOf(placed.rule)) visit(next, [...way, id]);
    finished.add(id);
  };
  for (const id of byId.keys()) visit(id, []);
  return problems;
}

/** The rules in an order in which each comes after those that it refers to; else in their own order. */
export function sortByReference(rules: readonly CompiledRule[]): readonly CompiledRule[] {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const sorted = new Set<CompiledRule>();
  const visit = (rule: CompiledRule) => {
    if (sorted.has(rule)) return;
    for (const id of referencesOf(rule)) {
      const target = byId.get(id);
      if (target !== undefined) visit(target);
    }
    sorted.add(rule);
  };
  rules.forEach(visit);
  return [...sorted];
}
