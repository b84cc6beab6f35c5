import type { Redis } from '../runtime/redis-connection.js';
import { AppError } from '../runtime/app-error.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { DeviceClass } from './device-class.js';
import { createSecret, hashSecret } from './credential.js';
import { unassigned } from './site.js';
import type { Device, Site } from './site.js';
import { idPattern, topicPrefix } from './topic.js';

/** A device as it is kept: with what its secret is checked against. */
export interface RegisteredDevice extends Device {
  readonly secretHash: string;
}

/** What an installer types into the device. The password is shown once and not kept. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly topicPrefix: string;
}

export interface NewDevice {
  readonly site: string;
  readonly device: string;
  readonly deviceClass: DeviceClass;
  readonly room?: string | undefined;
  readonly district?: string | undefined;
}

/**
 * Registers the device (and its site, where new) and issues a new secret, valid at once; an earlier
 * secret stops being so.
 * @throws AppError `bad_id`; `device_elsewhere` when the id is taken at another site or by another class.
 */
export async function issueCredentials(redis: Redis, wanted: NewDevice): Promise<Credentials> {
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
  const password = createSecret();
  const record: RegisteredDevice = {
    id: device,
    site,
    deviceClass,
    room: wanted.room ?? known?.room ?? unassigned,
    secretHash: hashSecret(password),
  };
  const siteRecord: Site = {
    ...knownSite,
    id: site,
    district: wanted.district ?? knownSite?.district ?? unassigned,
  };
  await redis
    .multi()
    .hset(redisKeys.sites, site, JSON.stringify(siteRecord))
    .hset(redisKeys.devices, device, JSON.stringify(record))
    .incr(redisKeys.registryVersion)
    .exec();
  return {
    clientId: device,
    username: device,
    password,
    topicPrefix: topicPrefix(site, deviceClass, device),
  };
}

export async function findDevice(redis: Redis, id: string): Promise<RegisteredDevice | undefined> {
  const json = await redis.hget(redisKeys.devices, id);
  return json === null ? undefined : (JSON.parse(json) as RegisteredDevice);
}

export async function findSite(redis: Redis, id: string): Promise<Site | undefined> {
  const json = await redis.hget(redisKeys.sites, id);
  return json === null ? undefined : (JSON.parse(json) as Site);
}
