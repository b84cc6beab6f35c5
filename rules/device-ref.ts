import type { DeviceClass } from '../devices/device-class.js';
import type { Device } from '../devices/device.js';
import type { Room, RoomKind } from '../devices/room.js';
import { unassigned } from '../devices/site.js';
import type { SchoolStage, Site } from '../devices/site.js';
import { parseParent } from '../devices/topology.js';

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

/** Seconds between two reports of the device. */
export function intervalOf({ intervalS }: DeviceRef): number {
  return intervalS ?? 60;
}

/** What rules can know of where a registered device is. */
export type DevicePlace = Omit<DeviceRef, 'id' | 'site' | 'deviceClass' | 'intervalS'>;

/** @param room undefined, like the site, where it is not registered */
export function placeOf(device: Device, room: Room | undefined, site: Site | undefined): DevicePlace {
  return {
    parentId: device.parent === undefined ? undefined : parseParent(device.parent).device,
    model: device.model,
    room: device.room,
    floor: room?.floor,
    roomKind: room?.kind,
    capacity: room?.capacity,
    district: site?.district === unassigned ? undefined : site?.district,
    stage: site?.stage,
    contractedMbps: site?.uplinkMbps,
  };
}
