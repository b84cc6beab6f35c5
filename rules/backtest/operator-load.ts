import type { Activation } from './activations.js';
import { subjectOf } from './activations.js';
import type { Period } from './period.js';

const slotMs = 600_000;
const dayMs = 86_400_000;

/** What ISA-18.2 and EEMUA 191 let one operator be called; per 10 minutes, and per day. */
export const budget = { steady: 1, flood: 10, acceptablePerDay: 150, manageablePerDay: 300 } as const;

/** How often operators were called over a period: an alarm was raised, or became worse. Shadow rules call nobody. */
export interface OperatorLoad {
  readonly operators: number;
  readonly calls: number;
  /** For each operator. */
  readonly perTenMinutes: number;
  readonly perDay: number;
  /** Stretches of 10 minutes; those with more than one call for each operator, and those with more than ten. */
  readonly slots: number;
  readonly busySlots: number;
  readonly floodSlots: number;
  /** The worst one; undefined where nobody was called. */
  readonly worst: { readonly at: number; readonly perOperator: number } | undefined;
  /** Whether the mean keeps to the steady rate and no flood came. */
  readonly isWithinBudget: boolean;
  /** Who called most often, and how often: up to ten of them. */
  readonly noisiest: readonly { readonly rule: string; readonly subject: string; readonly calls: number }[];
}

/** @param operators who share the alarms evenly */
export function countLoad(
  activations: readonly Activation[],
  { from, until }: Period,
  operators: number,
): OperatorLoad {
  const bySlot = new Map<number, number>();
  const byCaller = new Map<string, { rule: string; subject: string; calls: number }>();
  let calls = 0;
  for (const activation of activations) {
    if (activation.shadow) continue;
    for (const at of activation.calls) {
      if (at < from) continue;
      calls++;
      const slot = Math.floor((at - from) / slotMs);
      bySlot.set(slot, (bySlot.get(slot) ?? 0) + 1);
      const [rule, subject] = [activation.rule, subjectOf(activation)];
      const key = `${rule} ${subject}`;
      const caller = byCaller.get(key);
      if (caller === undefined) byCaller.set(key, { rule, subject, calls: 1 });
      else caller.calls++;
    }
  }
  const slots = Math.max(1, (until - from) / slotMs);
  const [worst] = [...bySlot].sort(([a, m], [b, n]) => n - m || a - b);
  const slotsAbove = (limit: number) => [...bySlot.values()].filter((n) => n / operators > limit).length;
  const perTenMinutes = calls / operators / slots;
  const floodSlots = slotsAbove(budget.flood);
  return {
    operators,
    calls,
    perTenMinutes,
    perDay: (calls / operators) * (dayMs / Math.max(slotMs, until - from)),
    slots: Math.ceil(slots),
    busySlots: slotsAbove(budget.steady),
    floodSlots,
    worst: worst && { at: from + worst[0] * slotMs, perOperator: worst[1] / operators },
    isWithinBudget: perTenMinutes <= budget.steady && floodSlots === 0,
    noisiest: [...byCaller.values()].sort((a, b) => b.calls - a.calls).slice(0, 10),
  };
}
