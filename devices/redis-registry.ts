import type { Redis } from '../runtime/redis-connection.js';
import { AppError } from '../runtime/app-error.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { AuditEvent } from './audit.js';
import type { DeviceClass } from './device-class.js';
import { decideAndCommit } from './redis-registry-changes.js';
import type { DecidedChange, HashValue, RegistryChange } from './redis-registry-changes.js';
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
export function registerDevice(redis: Redis, wanted: NewDevice, by = 'pipeline'): Promise<Device> {
  return decideAndCommit(redis, () => planRegistration(redis, wanted, by));
}

/** What `registerDevice` reads and writes, for who changes more in the same step. @throws AppError as it does */
export async function planRegistration(
  redis: Redis,
  wanted: NewDevice,
  by: string,
): Promise<DecidedChange<Device>> {
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
  const key = roomKey(site, wanted.room ?? unassigned);
  const [deviceJson, siteJson, roomJson] = await Promise.all([
    redis.hget(redisKeys.devices, device),
    redis.hget(redisKeys.sites, site),
    redis.hget(redisKeys.rooms, key),
  ]);
  const known = deviceJson === null ? undefined : (JSON.parse(deviceJson) as Device);
  const knownSite = siteJson === null ? undefined : (JSON.parse(siteJson) as Site);
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
  const changes: RegistryChange[] = [];
  const write: HashValue[] = [];
  if (knownSite?.district !== district) {
    changes.push({ kind: 'site', id: site });
    write.push([redisKeys.sites, site, JSON.stringify(siteRecord)]);
  }
  if (known?.room !== room) {
    changes.push({ kind: 'device', id: device });
    write.push([redisKeys.devices, device, JSON.stringify(record)]);
    if (room !== unassigned && wanted.room !== undefined && roomJson === null)
      write.push(newRoom(site, room));
  }
  const read: readonly HashValue[] = [
    asRead(redisKeys.devices, device, deviceJson),
    asRead(redisKeys.sites, site, siteJson),
    asRead(redisKeys.rooms, key, roomJson),
  ];
  const audit: readonly AuditEvent[] =
    known?.room === room
      ? []
      : [{ at: Date.now(), by, what: 'device.registered', id: device, device, before: known, after: record }];
  return { changes, read, write, audit, outcome: record };
}

/** The record of a room that nothing more than its id is known of. */
export function newRoom(site: string, id: string): HashValue {
  const room: Room = { site, id, kind: 'other' };
  return [redisKeys.rooms, roomKey(site, id), JSON.stringify(room)];
}

export function asRead(key: string, field: string, json: string | null): HashValue {
  return json === null ? [key, field] : [key, field, json];
}

export async function findDevice(redis: Redis, id: string): Promise<Device | undefined> {
  const json = await redis.hget(redisKeys.devices, id);
  return json === null ? undefined : (JSON.parse(json) as Device);
}

/** How often each of these ids was removed or moved: with another number it is another device. */
export async function readRemovals(redis: Redis, ids: readonly string[]): Promise<number[]> {
  if (ids.length === 0) return [];
  return (await redis.hmget(redisKeys.removals, ...ids)).map((times) => Number(times ?? 0));
}

export async function findSite(redis: Redis, id: string): Promise<Site | undefined> {
  const json = await redis.hget(redisKeys.sites, id);
  return json === null ? undefined : (JSON.parse(json) as Site);
}
