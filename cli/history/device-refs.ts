import type { DeviceClass } from '../../devices/device-class.js';
import type { Registry } from '../../devices/registry.js';
import { roomKey } from '../../devices/room.js';
import { unassigned } from '../../devices/site.js';
import { placeOf } from '../../rules/device-ref.js';
import type { DeviceRef } from '../../rules/device-ref.js';

/** A device as the history names it. */
export interface NamedDevice {
  readonly id: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  readonly room?: string | undefined;
}

/**
 * Finds for each device of a history what rules can know of it: by the registry as it is now, else by the history. The
 * same device is the same object each time, which is what the engine expects.
 */
export function createDeviceRefs(registry: Registry): (named: NamedDevice) => DeviceRef {
  const known = new Map<string, DeviceRef>();
  return (named) => {
    const { id, site, deviceClass, room } = named;
    const before = known.get(id);
    if (before?.site === site && before.deviceClass === deviceClass) return before;
    const registered = registry.devices.get(id);
    const isSame = registered?.site === site && registered.deviceClass === deviceClass;
    const ref: DeviceRef = isSame
      ? {
          ...placeOf(
            registered,
            registry.rooms.get(roomKey(site, registered.room)),
            registry.sites.get(site),
          ),
          id,
          site,
          deviceClass,
          intervalS: registered.intervalS,
        }
      : { id, site, deviceClass, room: room === unassigned ? undefined : room };
    known.set(id, ref);
    return ref;
  };
}
