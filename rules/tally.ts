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
}

/** How often shards tell what they have, ms. */
export const tallyMs = 10_000;
