import { randomBytes } from 'node:crypto';
import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { didYouMean } from './did-you-mean.js';
import { isForgotten, stateAt, whyNoWindow } from './maintenance.js';
import type { MaintenanceWindow } from './maintenance.js';
import { decideAndCommit } from './redis-registry-changes.js';
import type { DecidedChange, HashValue } from './redis-registry-changes.js';
import { asRead, findDevice } from './redis-registry.js';
import { roomKey } from './room.js';

/** What to announce; a device is at its site. */
export type WantedMaintenance = Pick<MaintenanceWindow, 'room' | 'device' | 'from' | 'until' | 'reason'> & {
  readonly site?: string | undefined;
};

interface Who {
  readonly by: string;
  /** Pipeline time, epoch ms. */
  readonly at: number;
}

/**
 * Announces maintenance; rules know of it within seconds. Those that were over long ago are forgotten.
 * @throws AppError `bad_maintenance`, `unknown_site`, `unknown_room`, `unknown_device`
 */
export async function announceMaintenance(
  redis: Redis,
  wanted: WantedMaintenance,
  who: Who,
): Promise<MaintenanceWindow> {
  const problem = whyNoWindow(wanted.from, wanted.until, who.at);
  if (problem !== undefined) throw new AppError('bad_maintenance', problem);
  const site = await findPlace(redis, wanted);
  const id = randomBytes(4).toString('hex');
  const window: MaintenanceWindow = { id, ...wanted, site, ...who };
  return decideAndCommit(redis, async (): Promise<DecidedChange<MaintenanceWindow>> => {
    const over = (await listMaintenance(redis)).filter((each) => isForgotten(each, who.at));
    return {
      changes: [{ kind: 'maintenance', id }],
      read: [[redisKeys.maintenance, id]],
      write: [
        [redisKeys.maintenance, id, JSON.stringify(window)],
        ...over.map((each): HashValue => [redisKeys.maintenance, each.id]),
      ],
      audit: [{ ...who, what: 'maintenance.announced', id, device: wanted.device, after: window }],
      outcome: window,
    };
  });
}

/** Ends maintenance before its time. @throws AppError `unknown_maintenance`, `maintenance_over` */
export function endMaintenance(redis: Redis, id: string, who: Who): Promise<MaintenanceWindow> {
  return decideAndCommit(redis, async (): Promise<DecidedChange<MaintenanceWindow>> => {
    const json = await redis.hget(redisKeys.maintenance, id);
    if (json === null) {
      const meant = didYouMean(id, await redis.hkeys(redisKeys.maintenance));
      throw new AppError('unknown_maintenance', `There is no maintenance "${id}".${meant}`);
    }
    const known = JSON.parse(json) as MaintenanceWindow;
    if (stateAt(known, who.at) === 'over')
      throw new AppError('maintenance_over', `Maintenance ${id} is over already.`);
    const window = { ...known, ended: who };
    return {
      changes: [{ kind: 'maintenance', id }],
      read: [asRead(redisKeys.maintenance, id, json)],
      write: [[redisKeys.maintenance, id, JSON.stringify(window)]],
      audit: [
        { ...who, what: 'maintenance.ended', id, device: known.device, before: known.until, after: who.at },
      ],
      outcome: window,
    };
  });
}

/** All that is remembered, by when it begins. */
export async function listMaintenance(redis: Redis): Promise<MaintenanceWindow[]> {
  const rows = await redis.hvals(redisKeys.maintenance);
  const windows = rows.map((json) => JSON.parse(json) as MaintenanceWindow);
  return windows.sort((a, b) => a.from - b.from || (a.id < b.id ? -1 : 1));
}

/** The site that it is at. */
async function findPlace(redis: Redis, { site, room, device }: WantedMaintenance): Promise<string> {
  if (room !== undefined && device !== undefined)
    throw new AppError('bad_maintenance', 'Maintenance is in a room or on a device: give one of the two.');
  if (device !== undefined) {
    const known = await findDevice(redis, device);
    if (known === undefined) {
      const meant = didYouMean(device, await redis.hkeys(redisKeys.devices));
      throw new AppError('unknown_device', `No device "${device}" is registered.${meant}`);
    }
    if (site === undefined || site === known.site) return known.site;
    throw new AppError('bad_maintenance', `Device "${device}" is at site "${known.site}", not at "${site}".`);
  }
  if (site === undefined) throw new AppError('bad_maintenance', 'Say where: give --site or --device.');
  if ((await redis.hexists(redisKeys.sites, site)) === 0) {
    const meant = didYouMean(site, await redis.hkeys(redisKeys.sites));
    throw new AppError('unknown_site', `No site "${site}" is registered.${meant}`);
  }
  if (room !== undefined && (await redis.hexists(redisKeys.rooms, roomKey(site, room))) === 0)
    throw new AppError('unknown_room', `No room "${room}" is registered at site "${site}".`);
  return site;
}
