import { subjectOf } from './activations.js';
import { groupBy } from './group-by.js';
import type { Activation } from './activations.js';

/** An alarm of both sets of rules that the change moved. */
export interface MovedActivation {
  readonly before: Activation;
  readonly after: Activation;
}

/** What a change of rules does to the alarms of one rule. */
export interface RuleDiff {
  readonly rule: string;
  readonly before: number;
  readonly after: number;
  /** The same times and the same severity. */
  readonly kept: number;
  /** The same trouble, raised or cleared at another time, or as severe as before no more. */
  readonly moved: readonly MovedActivation[];
  readonly added: readonly Activation[];
  readonly removed: readonly Activation[];
}

/**
 * Compares what two sets of rules raised over the same history. Alarms of a rule about the same device, part or group
 * that overlap are the same trouble; each is matched with one other at most.
 * @returns rules of which anything differs, those with the most differences first
 */
export function diffActivations(
  before: readonly Activation[],
  after: readonly Activation[],
): readonly RuleDiff[] {
  const [old, now] = [before, after].map((all) => groupBy(all, ({ rule }) => rule));
  const rules = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])]);
  return [...rules]
    .map((rule) => diffRule(rule, old?.get(rule) ?? [], now?.get(rule) ?? []))
    .filter((diff) => differencesOf(diff) > 0)
    .sort((a, b) => differencesOf(b) - differencesOf(a) || (a.rule < b.rule ? -1 : 1));
}

function differencesOf({ added, removed, moved }: RuleDiff): number {
  return added.length + removed.length + moved.length;
}

function diffRule(rule: string, before: readonly Activation[], after: readonly Activation[]): RuleDiff {
  const waiting = groupBy(after, subjectOf);
  const removed: Activation[] = [];
  const moved: MovedActivation[] = [];
  let kept = 0;
  for (const old of before) {
    const candidates = waiting.get(subjectOf(old)) ?? [];
    const i = candidates.findIndex((now) => overlap(old, now));
    const now = candidates[i];
    if (now === undefined) {
      removed.push(old);
      continue;
    }
    candidates.splice(i, 1);
    if (isSame(old, now)) kept++;
    else moved.push({ before: old, after: now });
  }
  const added = [...waiting.values()].flat().sort((a, b) => a.raisedAt - b.raisedAt);
  return { rule, before: before.length, after: after.length, kept, moved, added, removed };
}

function overlap(a: Activation, b: Activation): boolean {
  return a.raisedAt <= (b.clearedAt ?? Infinity) && b.raisedAt <= (a.clearedAt ?? Infinity);
}

function isSame(a: Activation, b: Activation): boolean {
  return a.raisedAt === b.raisedAt && a.clearedAt === b.clearedAt && a.peak === b.peak;
}
