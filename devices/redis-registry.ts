import type { Redis } from '../runtime/redis-connection.js';
import { AppError } from '../runtime/app-error.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { DeviceClass } from './device-class.js';
import { commitChanges } from './redis-registry-changes.js';
import type { RegistryChange } from './redis-registry-changes.js';
import type { Device } from './device.js';
import type { District } from './district.js';
import { roomKey } from './room.js';
import type { Room } from './room.js';
import { unassigned } from './site.js';
import type { Site } from './site.js';
import { idPattern } from './topic.js';

export interface NewDevice {
  readonly site: string;
  readonly device: string;
  readonly deviceClass: DeviceClass;
  readonly room?: string | undefined;
  readonly district?: District | undefined;
}

/**
 * Registers the device (and its site and room, where new); what is known of it and not given stays.
 * @throws AppError `bad_id`; `device_elsewhere` when the id is taken at another site or by another class.
 */
export async function registerDevice(redis: Redis, wanted: NewDevice): Promise<Device> {
  const { site, device, deviceClass } = wanted;
  for (const [what, id] of [
    ['Site', site],
    ['Device', device],
    ['Room', wanted.room ?? unassigned],
  ] as const) {
    if (!idPattern.test(id)) {
      throw new AppError(
        'bad_id',
        `${what} "${id}" is no id: use up to 64 letters, digits, ".", "_" or "-".`,
      );
    }
  }
  const [known, knownSite] = await Promise.all([findDevice(redis, device), findSite(redis, site)]);
  if (known && (known.site !== site || known.deviceClass !== deviceClass)) {
    throw new AppError(
      'device_elsewhere',
      `Device "${device}" is already a ${known.deviceClass} at site "${known.site}"; ids are unique in the city.`,
    );
  }
  const room = wanted.room ?? known?.room ?? unassigned;
  const record: Device = { ...known, id: device, site, deviceClass, room };
  const district = wanted.district ?? knownSite?.district ?? unassigned;
  const siteRecord: Site = { kind: 'campus', ...knownSite, id: site, district };
  const roomRecord: Room = { site, id: room, kind: 'other' };
  const changes: RegistryChange[] = [];
  if (knownSite?.district !== district) changes.push({ kind: 'site', id: site });
  if (known?.room !== room) changes.push({ kind: 'device', id: device });
  if (changes.length === 0) return record;
  await commitChanges(redis, changes, (multi) => {
    multi
      .hset(redisKeys.sites, site, JSON.stringify(siteRecord))
      .hset(redisKeys.devices, device, JSON.stringify(record));
    if (room !== unassigned) multi.hsetnx(redisKeys.rooms, roomKey(site, room), JSON.stringify(roomRecord));
  });
  return record;
}

export async function findDevice(redis: Redis, id: string): Promise<Device | undefined> {
  const json = await redis.hget(redisKeys.devices, id);
  return json === null ? undefined : (JSON.parse(json) as Device);
}

export async function findSite(redis: Redis, id: string): Promise<Site | undefined> {
  const json = await redis.hget(redisKeys.sites, id);
  return json === null ? undefined : (JSON.parse(json) as Site);
}
