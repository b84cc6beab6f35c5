import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../../devices/device.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { registerDevice } from '../../devices/redis-registry.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { scanQuarantine, sendBack } from './redis-quarantine.js';
import type { QuarantineItem } from './redis-quarantine.js';

/** A device that publishes and isn't registered, by what of it is in quarantine. */
export interface UnknownDevice {
  readonly device: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** When the first and the last of its messages arrived, epoch ms. */
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly messages: number;
}

/** The store quarantines what was taken just before; a little longer than its checkpoint. */
const stragglersMs = 1500;
const mostPasses = 5;

/** Every unknown device, the one heard last first; with an id, that one under each site and class it names. */
export async function listUnknownDevices(redis: Redis, id?: string): Promise<UnknownDevice[]> {
  const found = new Map<string, UnknownDevice>();
  for await (const item of scanQuarantine(redis)) {
    for (const { device, site, deviceClass } of strangersIn(item)) {
      if (id !== undefined && device !== id) continue;
      const key = `${device} ${site} ${deviceClass}`;
      const known = found.get(key);
      const { arrivedAt } = item;
      found.set(key, {
        device,
        site,
        deviceClass,
        firstSeenAt: Math.min(known?.firstSeenAt ?? arrivedAt, arrivedAt),
        lastSeenAt: Math.max(known?.lastSeenAt ?? arrivedAt, arrivedAt),
        messages: (known?.messages ?? 0) + 1,
      });
    }
  }
  return [...found.values()].sort((a, b) => b.lastSeenAt - a.lastSeenAt);
}

/**
 * Registers an unknown device as what it says to be and sends its messages, in the order of their arrival,
 * through the pipeline again; they are stored and raise nothing. Cut off in the middle, it can be done again.
 * @throws AppError `not_unknown`; `ambiguous_device` when it is heard under several sites or classes and `site`
 * does not choose; as `registerDevice`
 */
export async function adoptDevice(
  redis: Redis,
  wanted: { readonly device: string; readonly site?: string | undefined; readonly room?: string | undefined },
  by = 'pipeline',
): Promise<{ readonly device: Device; readonly replayed: number }> {
  const heard = await listUnknownDevices(redis, wanted.device);
  const [chosen, ...others] = heard.filter(({ site }) => wanted.site === undefined || site === wanted.site);
  if (chosen === undefined) {
    throw new AppError(
      'not_unknown',
      `Nothing of an unknown device "${wanted.device}" is in quarantine; see "campus devices unknown".`,
    );
  }
  if (others.length > 0) {
    const where = [chosen, ...others].map(({ site, deviceClass }) => `${deviceClass} at ${site}`).join(', ');
    throw new AppError(
      'ambiguous_device',
      `"${wanted.device}" is heard as ${where}: choose with --site, or register it with "campus registry import".`,
    );
  }
  const { site, deviceClass } = chosen;
  const device = await registerDevice(
    redis,
    { site, device: wanted.device, deviceClass, room: wanted.room },
    by,
  );
  let replayed = 0;
  for (let pass = 0; pass < mostPasses; pass++) {
    const sent = await replayDevice(redis, device);
    replayed += sent;
    if (sent === 0 && pass > 0) break;
    await sleep(stragglersMs);
  }
  return { device, replayed };
}

async function replayDevice(redis: Redis, { id, site, deviceClass }: Device): Promise<number> {
  let replayed = 0;
  for await (const item of scanQuarantine(redis)) {
    const isIts = strangersIn(item).some(
      (each) => each.device === id && each.site === site && each.deviceClass === deviceClass,
    );
    if (isIts && item.cutFrom === undefined) replayed += await sendBack(redis, item);
  }
  return replayed;
}

/** Whose it is; a message that a bridge took may be of several devices. */
function strangersIn(item: QuarantineItem): Pick<UnknownDevice, 'device' | 'site' | 'deviceClass'>[] {
  if (item.reason !== 'unknown_device') return [];
  const { device, site, deviceClass, origin } = item;
  if (site !== undefined && deviceClass !== undefined) return [{ device, site, deviceClass }];
  return (origin?.devices ?? [])
    .filter(({ trouble }) => trouble === 'unregistered')
    .map(({ id }) => ({
      device: id,
      site: origin?.site ?? '',
      deviceClass: origin?.deviceClass ?? 'sensor',
    }));
}
