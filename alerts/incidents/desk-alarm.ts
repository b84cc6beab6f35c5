import type { Alarm, OutboxEntry } from '../../rules/alarm.js';

/** Why an alarm has no incident of its own, or its incident does not count it as active. */
export type Hold =
  | { readonly kind: 'shelved'; readonly until: number; readonly by: string }
  | { readonly kind: 'out_of_service'; readonly by: string }
  | { readonly kind: 'maintenance' }
  /** The alarm that explains it is held back. */
  | { readonly kind: 'parent'; readonly alarm: string };

/** What somebody did about an alarm. */
export interface AlarmAction {
  /** Pipeline time, epoch ms. */
  readonly at: number;
  readonly by: string;
  readonly verb: ActionVerb;
  /** Assigned to whom, or shelved until when (epoch ms). */
  readonly to?: string | number | undefined;
  readonly comment?: string | undefined;
}

export const actionVerbs = [
  'ack',
  'assign',
  'shelve',
  'unshelve',
  'out-of-service',
  'in-service',
  'comment',
] as const;
export type ActionVerb = (typeof actionVerbs)[number];

/**
 * An alarm as the desk keeps it: what it is and was last, which incident it is in, and what operators did about it.
 * How it came to be so is in the judge's record of the same id (`rules/alarm.ts`). Times are pipeline time, epoch ms.
 */
export interface DeskAlarm extends Omit<Alarm, 'history'> {
  /** Rule, device or group, and part: the same for every activation. */
  readonly key: string;
  /** When the desk heard of it. */
  readonly heardAt: number;
  /** Until then it waits for an alarm that explains it, as long as it has no incident. */
  readonly waitsUntil: number;
  readonly incident?: string | undefined;
  /** Incidents that it was the first root of. */
  readonly rooted: number;
  readonly hold?: Hold | undefined;
  /** When this and earlier activations of the same key came, within ten minutes. */
  readonly recent: readonly number[];
  /** It was over before anybody could have acted. */
  readonly fleeting?: true | undefined;
  readonly acknowledged?: AlarmAction | undefined;
  readonly assignedTo?: string | undefined;
  /** What was done about it, oldest first; of very much, the newest. */
  readonly actions: readonly AlarmAction[];
}

/** What all activations of a rule on one device, part or group have in common: the id without its time. */
export function keyOf(alarm: string): string {
  return alarm.slice(0, alarm.lastIndexOf('~'));
}

/** The name of what the alarm is about. */
export function subjectOf({ device, part, group }: Pick<Alarm, 'device' | 'part' | 'group'>): string {
  if (group !== undefined) return `${group.kind} ${group.id}`;
  return part === undefined ? (device ?? '') : `${device}/${part}`;
}

/** The desk's record of an alarm that it hears of for the first time; `recent` are earlier activations of its key. */
export function firstHeard({ alarm }: OutboxEntry, heardAt: number, recent: readonly number[]): DeskAlarm {
  const activations = [...recent, alarm.raisedAt];
  return {
    ...bare(alarm),
    key: keyOf(alarm.id),
    heardAt,
    waitsUntil: heardAt,
    rooted: 0,
    recent: activations,
    actions: [],
  };
}

/** The record after a later transition. */
export function heardAgain(known: DeskAlarm, { alarm }: OutboxEntry): DeskAlarm {
  return { ...known, ...bare(alarm) };
}

function bare(alarm: Alarm): Omit<Alarm, 'history'> {
  const copy: { history?: Alarm['history'] } & Omit<Alarm, 'history'> = { ...alarm };
  delete copy.history;
  return copy;
}

/** Whether it needs anybody: it is active and nobody holds it back. */
export function isOpen({ state, hold }: DeskAlarm): boolean {
  return state === 'active' && hold === undefined;
}

/** The earlier alarm first; of two at the same time always the same one. */
export function byTime(a: DeskAlarm, b: DeskAlarm): number {
  return a.raisedAt - b.raisedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
