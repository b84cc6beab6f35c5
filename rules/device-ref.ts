import type { DeviceClass } from '../devices/device-class.js';
import type { RoomKind } from '../devices/room.js';
import type { SchoolStage } from '../devices/site.js';

/** Which device something is about; what rules can know of it. What is absent, nobody registered. */
export interface DeviceRef {
  readonly id: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** Seconds between two of its reports, where known; `interval_s` in conditions (60 where unknown). */
  readonly intervalS?: number | undefined;
  readonly model?: string | undefined;
  readonly room?: string | undefined;
  readonly floor?: number | undefined;
  readonly roomKind?: RoomKind | undefined;
  /** Seats of its room. */
  readonly capacity?: number | undefined;
  /** The device that it is reached through. */
  readonly parentId?: string | undefined;
  readonly district?: string | undefined;
  readonly stage?: SchoolStage | undefined;
  /** Contracted rate of the site's uplink, Mbit/s. */
  readonly contractedMbps?: number | undefined;
}
