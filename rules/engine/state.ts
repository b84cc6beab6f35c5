import type { DeviceClass } from '../../devices/device-class.js';
import type { PresenceState } from '../../devices/presence.js';
import type { DeviceRef } from '../device-ref.js';
import type { Memories } from '../expression/memory-content.js';
import type { GroupSight } from '../expression/sight.js';
import type { GroupKind } from '../group-kind.js';
import type { AlarmState } from './alarm-state.js';
import type { Program } from './program.js';

/** What rules are evaluated on: a device, or one of its parts. */
export interface Subject {
  readonly memories: Memories;
  /** Alarms that are not at rest, by the places of their rules. */
  readonly alarms: (AlarmState | undefined)[];
}

/** All that the engine remembers of one device. */
export interface DeviceState extends Subject {
  device: DeviceRef;
  readonly program: Program;
  /** Pipeline time at which anything was last heard of the device. */
  heardAt: number;
  /** Event time of its newest reading; -Infinity before the first. */
  newestAt: number;
  /** Event time up to which its rules are judged: that of its newest reading or event. */
  judgedAt: number;
  /** By how much its newest reading arrived after its own time, ms: what its clock is behind. */
  lagMs: number;
  /** It said that it goes to sleep: its silence is no fault. */
  asleep: boolean;
  /** `presence` in conditions; undefined until somebody says. */
  presence: PresenceState | undefined;
  /** Its silence may be that of what it is reached through: nobody can say how long it was silent itself. */
  excused: boolean;
  /** A rule about its silence is not at rest. */
  isMissed: boolean;
  readonly parts: Map<string, Subject>;
  /** Whether it is in each of the conditions that its groups count. */
  readonly traits: boolean[];
  readonly groups: Partial<Record<GroupKind, GroupState>>;
  /** Differs from what `takeChanges` last gave out. */
  changed: boolean;
  /** So do its memories that are kept apart. */
  slowChanged: boolean;
}

/** What is the same of all devices of a group: their class, their site, and what they are together by. */
export interface GroupRef {
  readonly deviceClass: DeviceClass;
  readonly kind: GroupKind;
  /** Empty for one that reaches over several. */
  readonly site: string;
  /** The room, the floor, the device that they are reached through, the site, or the district. */
  readonly id: string;
}

/** The devices of a class that are in one room, on one floor, behind one device or at one site. */
export interface GroupState extends GroupSight {
  readonly ref: GroupRef;
  /** Stands for the group in the ids of its alarms; safe in file names. */
  readonly subject: string;
  readonly program: Program;
  readonly members: Set<DeviceState>;
  size: number;
  readonly counts: number[];
  readonly medians: (number | undefined)[];
  /** Alarms that are not at rest, by the places of their rules. */
  readonly alarms: (AlarmState | undefined)[];
  /** Differs from what `takeChanges` last gave out. */
  changed: boolean;
}
