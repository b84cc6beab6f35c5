import type { DeviceClass } from '../devices/device-class.js';
import type { GroupKind } from './group-kind.js';

/** How many devices of a group that reaches over several shards of the log one shard has, and in which conditions. */
export interface GroupTally {
  readonly deviceClass: DeviceClass;
  readonly kind: GroupKind;
  readonly id: string;
  readonly size: number;
  /** How many are in each of the conditions that are counted, by its text; those of none are left out. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What one shard has of all such groups at one moment. */
export interface Tally {
  /** Pipeline time, epoch ms, a whole multiple of ten seconds. */
  readonly at: number;
  readonly groups: readonly GroupTally[];
  /**
   * The conditions that are counted, by class. One that is not among them is not counted (yet): the shard goes by other
   * rules, or does so since a moment ago. Absent in tallies of earlier versions, which count all.
   */
  readonly conditions?: Readonly<Partial<Record<DeviceClass, readonly string[]>>>;
  /** Which owner of the shard tells it: one with a lower number has been replaced. */
  readonly owner?: number;
}

/** How often shards tell what they have, ms. */
export const tallyMs = 10_000;
