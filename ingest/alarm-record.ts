import { isWorse } from '../rules/alarm.js';
import type { Alarm, AlarmStep, EndingReason, Transition } from '../rules/alarm.js';

/** Where an alarm is, by the registry. */
export interface AlarmPlace {
  readonly district: string;
  readonly room: string;
}

/** Steps of an alarm's history that are kept: the first, and the newest. */
const mostSteps = 40;

/**
 * The alarm's record after a transition; undefined where the record has it already: the log is read again after a
 * crash.
 * @param before the record so far; undefined for one that is raised
 */
export function recordTransition(
  before: Alarm | undefined,
  transition: Transition,
  { district, room }: AlarmPlace,
): Alarm | undefined {
  const { alarm, kind, at, severity, ruleVersion, condition, holdMs, reason, by, ending, evidence } =
    transition;
  if (
    kind === 'raise' ? before !== undefined : before !== undefined && before.revision >= transition.revision
  )
    return undefined;
  const why = { condition, holdMs, reason, by, ending, evidence };
  const step: AlarmStep = { kind, at, severity, ruleVersion, ...why };
  const history = [...(before?.history ?? []), step];
  if (history.length > mostSteps) history.splice(1, 1);
  const peak = before !== undefined && !isWorse(severity, before.peak) ? before.peak : severity;
  const record = { ...sharedBy(transition), id: alarm, district, room, peak, history };
  return kind === 'clear' ? { ...record, state: 'cleared', clearedAt: at } : { ...record, state: 'active' };
}

/** The transition that ends an alarm that nobody watches any more. @param by who decided that, where somebody did */
export function endAlarm(alarm: Alarm, reason: EndingReason, at: number, by?: string): Transition {
  const { id, revision } = alarm;
  const shared = { ...sharedBy(alarm), revision: revision + 1, reason, by, evidence: {} };
  return { ...shared, id: `${id}~clear`, alarm: id, kind: 'clear', at };
}

/** What the record of an alarm has in common with its transitions. */
type Shared = Omit<Transition, 'id' | 'alarm' | 'kind' | 'at' | 'from'>;

function sharedBy(source: Shared): Shared {
  const { revision, raisedAt, rule, ruleVersion, severity, title, explanation, advice } = source;
  const { condition, holdMs, reason, by, ending, evidence, named } = source;
  const { site, deviceClass, device, part, group, shadow } = source;
  const what = { revision, raisedAt, rule, ruleVersion, severity, title, explanation, advice };
  const why = { condition, holdMs, reason, by, ending, evidence, named };
  const { symptom, explains, reach, safety } = source;
  const causality = { symptom, explains, reach, safety };
  return { ...what, ...why, ...causality, site, deviceClass, device, part, group, shadow };
}
