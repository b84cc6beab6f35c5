import type { DeviceClass } from '../devices/device-class.js';

/** ITU-T X.733 severities that an alarm of ours can have, least severe first. */
export const severities = ['warning', 'minor', 'major', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** A text that staff read, in both languages. */
export interface Bilingual {
  readonly zh: string;
  readonly en: string;
}

/**
 * An alarm changed its state: what the engine puts out. The same log always yields the same transitions
 * with the same ids, so whoever acts on one can tell that it was done already.
 */
export interface Transition {
  /** `<alarm>~raise` or `<alarm>~clear`; safe in file names and as a BullMQ job id. */
  readonly id: string;
  /** The activation: `<rule>~<device>~<raisedAt>`, with `~<part>` before the time where there is a part. */
  readonly alarm: string;
  readonly kind: 'raise' | 'clear';
  /** Pipeline (event) time of this transition, epoch ms. */
  readonly at: number;
  /** Pipeline (event) time at which the alarm became active, epoch ms. */
  readonly raisedAt: number;
  readonly rule: string;
  /** Short hash of the rule's text, so that a later reader knows which wording applied. */
  readonly ruleVersion: string;
  readonly severity: Severity;
  readonly title: Bilingual;
  /** What to do about it, for the mail. */
  readonly advice: Bilingual;
  /** The clause that held (raise) or holds now (clear), as written in the rule. */
  readonly condition: string;
  /** How long that clause had to hold, ms; absent where it acts at once. */
  readonly holdMs?: number | undefined;
  /** Why it was cleared, where that is not its condition: nobody watches for it any more. */
  readonly reason?: 'rule_removed' | 'device_removed' | undefined;
  /** The values that decided, by the names used in the condition. */
  readonly evidence: Readonly<Record<string, number | string>>;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly device: string;
  readonly part?: string | undefined;
}

/** An alarm as it is kept and shown: the last transition of one activation with where the device is. */
export interface Alarm extends Omit<Transition, 'id' | 'kind' | 'at' | 'alarm'> {
  /** The activation's id, `Transition.alarm`. */
  readonly id: string;
  readonly state: 'active' | 'cleared';
  /** Absent while active. */
  readonly clearedAt?: number | undefined;
  readonly district: string;
  readonly room: string;
}

/** What stands in the outbox for the responders: the transition and the alarm as it is after it. */
export interface OutboxEntry {
  readonly transition: Transition;
  readonly alarm: Alarm;
}
