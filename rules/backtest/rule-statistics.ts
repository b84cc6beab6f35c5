import type { Bilingual, Severity } from '../alarm.js';
import type { Calendar } from '../calendar.js';
import type { CompiledRule, RuleMode } from '../rule.js';
import { placeOf, subjectOf } from './activations.js';
import { groupBy } from './group-by.js';
import type { Activation } from './activations.js';
import type { Period } from './period.js';

/** How a rule did over a period. Alarms that were active already when it began are counted apart. */
export interface RuleStatistics {
  readonly rule: string;
  readonly title: Bilingual;
  readonly mode: RuleMode;
  /** Alarms that were raised in the period. */
  readonly fired: number;
  /** Devices, parts or groups that they were about. */
  readonly subjects: number;
  /** Where, the most often first. */
  readonly sites: readonly { readonly site: string; readonly fired: number }[];
  /** How long they were active within the period, ms; of those that still were, up to its end. */
  readonly totalMs: number;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly activeAtStart: number;
  readonly activeAtEnd: number;
  /** How many were raised in each hour of the day, by the clocks on the wall; 24 numbers. */
  readonly hours: readonly number[];
  /** By the most severe that each was. */
  readonly severities: Readonly<Partial<Record<Severity, number>>>;
}

/** The statistics of each rule that is not off, the one that fired most often first. */
export function countByRule(
  rules: readonly CompiledRule[],
  activations: readonly Activation[],
  period: Period,
  calendar: Pick<Calendar, 'offsetMs'>,
): readonly RuleStatistics[] {
  const byRule = groupBy(activations, ({ rule }) => rule);
  return rules
    .filter(({ mode }) => mode !== 'off')
    .map((rule) => countRule(rule, byRule.get(rule.id) ?? [], period, calendar))
    .sort((a, b) => b.fired - a.fired);
}

const hourMs = 3_600_000;

function countRule(
  { id, title, mode }: CompiledRule,
  activations: readonly Activation[],
  { from, until }: Period,
  calendar: Pick<Calendar, 'offsetMs'>,
): RuleStatistics {
  const fired = activations.filter(({ raisedAt }) => raisedAt >= from);
  const lengths = fired.map(({ raisedAt, clearedAt = until }) => clearedAt - raisedAt).sort((a, b) => a - b);
  const sites = [...groupBy(fired, placeOf)].map(([site, own]) => ({
    site,
    fired: own.length,
  }));
  const hours = Array.from({ length: 24 }, () => 0);
  const severities: Partial<Record<Severity, number>> = {};
  for (const { raisedAt, peak } of fired) {
    const hour = Math.floor((raisedAt + calendar.offsetMs(raisedAt)) / hourMs) % 24;
    hours[hour] = (hours[hour] ?? 0) + 1;
    severities[peak] = (severities[peak] ?? 0) + 1;
  }
  return {
    rule: id,
    title,
    mode,
    fired: fired.length,
    subjects: new Set(fired.map(subjectOf)).size,
    sites: sites.sort((a, b) => b.fired - a.fired || (a.site < b.site ? -1 : 1)),
    totalMs: lengths.reduce((sum, ms) => sum + ms, 0),
    medianMs: lengths[lengths.length >> 1] ?? 0,
    longestMs: lengths.at(-1) ?? 0,
    activeAtStart: activations.length - fired.length,
    activeAtEnd: activations.filter(({ clearedAt }) => clearedAt === undefined).length,
    hours,
    severities,
  };
}
