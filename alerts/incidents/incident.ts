import type { DeviceClass } from '../../devices/device-class.js';
import type { Severity } from '../../rules/alarm.js';
import type { DeskAlarm } from './desk-alarm.js';

/**
 * One cause and the alarms that follow from it. The desk is its only writer (alerts/incidents/redis-desk-records.ts);
 * everybody reads it. Times are pipeline time, epoch ms.
 */
export interface Incident {
  /** `inc-` and ten hexadecimal digits of a hash of the alarm that was its root first: the same whenever it is made. */
  readonly id: string;
  /**
   * `closed`: all its alarms are over, or held back by somebody. `merged`: it turned out to be a part of
   * `mergedInto`, where its alarms are.
   */
  readonly state: 'open' | 'closed' | 'merged';
  /**
   * `alarm`: the root explains the others, or stands alone. `alike`: nothing explains them, but they are many of one
   * rule in one place and time, and more of them join; the root is the first of them. `common`: they outlived the
   * incident that they were in, and are reached through the same device or site.
   */
  readonly cause: 'alarm' | 'alike' | 'common';
  /** The alarm that it is named after, as it was last; who acknowledged that acknowledged the incident. */
  readonly root: DeskAlarm;
  readonly openedAt: number;
  readonly closedAt?: number | undefined;
  readonly mergedInto?: string | undefined;
  /** Incidents that turned out to be a part of this one. */
  readonly mergedFrom: readonly string[];
  /** The most severe of its active alarms; of one that is closed, as it was last. */
  readonly severity: Severity;
  /** The most severe that it ever was. */
  readonly peak: Severity;
  /** The most severe that a notice was put out for. */
  readonly told: Severity;
  /** How many alarms it ever had, and how many of them are active and not held back. */
  readonly alarms: number;
  readonly active: number;
  /** Alarms that were raised for it, those that came again counted again. */
  readonly activations: number;
  /** Its alarms by class of device, and in how many rooms and sites. */
  readonly classes: Readonly<Partial<Record<DeviceClass, number>>>;
  readonly rooms: number;
  readonly sites: number;
  /** Some of its devices or groups beside the root, by name. */
  readonly examples: readonly string[];
  /** An alarm of it comes and goes so often (at least 3 times in a minute or 5 in ten) that it stays open meanwhile. */
  readonly chattering: boolean;
  /** Its root is over; alarms that are still active then are judged afresh. */
  readonly recheckAt?: number | undefined;
  /** All its alarms are over; it is closed then, if none comes again. */
  readonly quietAt?: number | undefined;
  /** Notices and events of the desk so far; number the next ones. */
  readonly notices: number;
  readonly steps: number;
}

/**
 * What people have to be told of an incident, once. It stands in the stream `redisKeys.notices` (field `t`, JSON)
 * and is the job of the notify queue, under the same id.
 */
export interface IncidentNotice {
  /** `<incident>~opened`, `<incident>~<kind>-<number>`; safe in file names and as a BullMQ job id. */
  readonly id: string;
  readonly kind: 'opened' | 'worse' | 'merged' | 'closed';
  /** Pipeline time, epoch ms. */
  readonly at: number;
  /** As it is after what happened. */
  readonly incident: Incident;
  /** `worse`: the severity that was told before. */
  readonly from?: Severity | undefined;
  /** `merged`: the incident that it is a part of. */
  readonly into?: Incident | undefined;
  /** `closed`: incidents that its alarms were moved to, because they outlived the cause. */
  readonly movedTo?: readonly string[] | undefined;
}

/** Everything that can happen to an incident, for its story. */
export type IncidentEventKind =
  | 'opened'
  | 'joined'
  | 'worse'
  | 'root_cleared'
  | 'root_back'
  | 'new_root'
  | 'chattering'
  | 'moved'
  | 'merged'
  | 'absorbed'
  | 'quiet'
  | 'closed'
  | 'held'
  | 'operator'
  | 'notice'
  | 'mail'
  | 'no_mail';

/**
 * One step of an incident's story: a field of the hash `redisKeys.incidentStory(incident)`. Whoever does something
 * about an incident adds what it did (`addToStory`); the same id again changes nothing.
 */
export interface IncidentEvent {
  /** The same whenever the step is told. */
  readonly id: string;
  /** Pipeline time, epoch ms. */
  readonly at: number;
  readonly kind: IncidentEventKind;
  /** One sentence for people, English. */
  readonly text: string;
  /** Who did it, where that was a person. */
  readonly by?: string | undefined;
  /** Alarms that it is about, a few at most. */
  readonly alarms?: readonly string[] | undefined;
}

/** The id of the notice that an incident was opened with; those after it are in the same thread. */
export function openedNotice(incident: string): string {
  return `${incident}~opened`;
}
