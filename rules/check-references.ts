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
  return [...problems, ...findUnknownSymptoms(rules), ...findCircles(byId)];
}

/** A misspelt symptom would explain nothing, and nobody would notice. */
function findUnknownSymptoms(rules: readonly PlacedRule[]): readonly TextProblem[] {
  const known = new Set(rules.flatMap(({ rule }) => rule.causality.symptom ?? []));
  return rules.flatMap(({ rule, problemAt }) =>
    (rule.causality.explains ?? []).flatMap((symptom, i) =>
      known.has(symptom)
        ? []
        : [
            problemAt(
              ['explains', i],
              `No rule has the symptom "${symptom}".${didYouMean(symptom, [...known])}`,
            ),
          ],
    ),
  );
}

function whyNoReference(rule: CompiledRule, target: CompiledRule): string | undefined {
  if (target.group !== undefined)
    return `The rule "${target.id}" is about groups; active() asks for alarms of a device.`;
  const missing = rule.classes.find((each) => !target.classes.includes(each));
  return missing && `The rule "${target.id}" is not for devices of class ${missing}.`;
}

function findCircles(byId: ReadonlyMap<string, PlacedRule>): readonly TextProblem[] {
  const problems: TextProblem[] = [];
  orderByReference(
    byId.keys(),
    (id) => {
      const placed = byId.get(id);
      return placed === undefined ? [] : referencesOf(placed.rule);
    },
    (ids) => {
      const [first = ''] = ids;
      const shown = ids.length > 8 ? ids.slice(0, 4) : ids;
      const more = shown.length < ids.length ? [`… (${ids.length - shown.length} more)`] : [];
      const circle = [...shown.map((each) => `"${each}"`), ...more, `"${first}"`].join(' → ');
      const message = `These rules refer to each other in a circle: ${circle}.`;
      const problem = byId.get(first)?.problemAt(['id'], message);
      if (problem !== undefined) problems.push(problem);
    },
  );
  return problems;
}

/** The rules in an order in which each comes after those that it refers to; else in their own order. */
export function sortByReference(rules: readonly CompiledRule[]): readonly CompiledRule[] {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  const sorted = orderByReference(byId.keys(), (id) => {
    const rule = byId.get(id);
    return rule === undefined ? [] : referencesOf(rule);
  });
  return sorted.flatMap((id) => byId.get(id) ?? []);
}

/** A rule on the way, and those that it refers to and that are still to be looked at. */
interface Stop {
  readonly id: string;
  readonly rest: Iterator<string>;
}

/**
 * The ids in an order in which each comes after those that it refers to. Without recursion: rules may refer to each
 * other in a chain of thousands.
 * @param onCircle told the ids of each circle, once
 */
function orderByReference(
  ids: Iterable<string>,
  next: (id: string) => Iterable<string>,
  onCircle: (ids: readonly string[]) => void = () => undefined,
): readonly string[] {
  const finished = new Set<string>();
  for (const start of ids) {
    const way: Stop[] = [];
    const onWay = new Set<string>();
    const enter = (id: string) => {
      if (finished.has(id)) return;
      if (onWay.has(id)) {
        onCircle(way.slice(way.findIndex((stop) => stop.id === id)).map((stop) => stop.id));
        return;
      }
      onWay.add(id);
      way.push({ id, rest: next(id)[Symbol.iterator]() });
    };
    enter(start);
    for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
      const following = top.rest.next();
      if (following.done !== true) {
        enter(following.value);
        continue;
      }
      finished.add(top.id);
      onWay.delete(top.id);
      way.pop();
    }
  }
  return [...finished];
}
