import type { DeviceClass } from '../devices/device-class.js';
import type { Causality } from './causality.js';
import type { GroupKind } from './group-kind.js';

/** ITU-T X.733 severities that an alarm of ours can have, least severe first. */
export const severities = ['warning', 'minor', 'major', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Whether the first is more severe than the second. */
export function isWorse(severity: Severity, than: Severity): boolean {
  return severities.indexOf(severity) > severities.indexOf(than);
}

/** A text that staff read, in both languages. */
export interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

/**
 * An alarm changed its state: what the engine puts out. The same log always yields the same transitions
 * with the same ids, so whoever acts on one can tell that it was done already.
 */
export interface Transition extends Causality {
  /** `<alarm>~raise`, `<alarm>~change-<revision>` or `<alarm>~clear`; safe in file names and as a BullMQ job id. */
  readonly id: string;
  /**
   * The activation: `<rule>~<device or group>~<raisedAt>`, with `~<part>` before the time where there is a part, and
   * `-<number>` behind it where it is not the first that began at that time.
   */
  readonly alarm: string;
  /** `change`: it became more or less severe while it was active. */
  readonly kind: 'raise' | 'change' | 'clear';
  /** Counts the transitions of the activation from 0. */
  readonly revision: number;
  /** Pipeline (event) time of this transition, epoch ms. */
  readonly at: number;
  /** Pipeline (event) time at which the alarm became active, epoch ms. */
  readonly raisedAt: number;
  readonly rule: string;
  /** Short hash of the rule's text, so that a later reader knows which wording applied. */
  readonly ruleVersion: string;
  /** As it is after the transition; of one that is cleared, as it was. */
  readonly severity: Severity;
  /** Where it changed: what it was before. */
  readonly from?: Severity | undefined;
  readonly title: Bilingual;
  readonly explanation?: Bilingual | undefined;
  /** What to do about it, for the mail. */
  readonly advice: Bilingual;
  /** The clause that held (raise, more severe) or holds now (clear, less severe), as written in the rule. */
  readonly condition: string;
  /** How long that clause had to hold, ms; absent where it acts at once. */
  readonly holdMs?: number | undefined;
  /** Why it was cleared, where that is not its condition: nobody watches for it any more. */
  readonly reason?: EndingReason | undefined;
  /** Who decided that, where somebody did. */
  readonly by?: string | undefined;
  /** What its condition was cleared by, where that says nothing of whether the fault is over. */
  readonly ending?: Ending | undefined;
  /** The values that decided, by the names used in the condition. */
  readonly evidence: Readonly<Record<string, number | string>>;
  /** The titles of the rules that the condition refers to, by their ids. */
  readonly named?: Readonly<Record<string, Bilingual>> | undefined;
  /** `unassigned` where it is about a district. */
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** Absent where the alarm is about a group of devices. */
  readonly device?: string | undefined;
  readonly part?: string | undefined;
  readonly group?: AlarmGroup | undefined;
  /** Its rule is tried out: it is recorded, and nobody is told. */
  readonly shadow?: true | undefined;
}

/**
 * Why an alarm ended although its clear condition did not hold; `no_data`: what it looks at is reported no more;
 * `not_confirmed`: judged again after a restart, nothing was found of it.
 */
export type EndingReason =
  | 'rule_removed'
  | 'rule_changed'
  | 'rule_off'
  | 'rule_shadow'
  | 'device_removed'
  | 'device_changed'
  | 'no_data'
  | 'not_confirmed';

/**
 * What ended an alarm although the fault may go on: circumstances that its rule asks for, such as the timetable or
 * announced work, or that an event is no longer the newest thing that was heard.
 */
export interface Ending {
  readonly kind: 'circumstance' | 'moment';
  /** The clauses that ended it, as they hold now. */
  readonly clauses: readonly string[];
}

/** The devices of a class that an alarm is about. */
export interface AlarmGroup {
  readonly kind: GroupKind;
  /** The room, the floor, the device that they are reached through, the site, or the district. */
  readonly id: string;
}

/** One transition as the alarm's record keeps it. */
export type AlarmStep = Pick<
  Transition,
  | 'kind'
  | 'at'
  | 'severity'
  | 'ruleVersion'
  | 'condition'
  | 'holdMs'
  | 'reason'
  | 'by'
  | 'ending'
  | 'evidence'
>;

/** An alarm as it is kept and shown: the last transition of one activation with where the device is. */
export interface Alarm extends Omit<Transition, 'id' | 'kind' | 'at' | 'alarm' | 'from'> {
  /** The activation's id, `Transition.alarm`. */
  readonly id: string;
  readonly state: 'active' | 'cleared';
  /** Absent while active. */
  readonly clearedAt?: number | undefined;
  /** The most severe that it was. */
  readonly peak: Severity;
  /** How it came to be what it is, the oldest first; of very many, the first and the newest. */
  readonly history: readonly AlarmStep[];
  readonly district: string;
  readonly room: string;
}

/** What stands in the outbox for the responders: the transition and the alarm as it is after it. */
export interface OutboxEntry {
  readonly transition: Transition;
  readonly alarm: Alarm;
}
