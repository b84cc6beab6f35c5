import { findAction } from '../../devices/action-check.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { Device } from '../../devices/device.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import type { Registry } from '../../devices/registry.js';
import { AppError } from '../../runtime/app-error.js';

/** Which devices a group command is for: those that fit all that is given. */
export interface Selection {
  readonly deviceClass: DeviceClass;
  readonly sites?: readonly string[] | undefined;
  readonly districts?: readonly string[] | undefined;
  readonly rooms?: readonly string[] | undefined;
  readonly models?: readonly string[] | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
  /** All of the class in the city, said in so many words. */
  readonly everywhere?: boolean | undefined;
}

/**
 * The devices of a selection, by site and id.
 * @throws AppError `no_selection` (what is not narrowed down is not taken for everything), `not_registered` where
 * something that is named is not there, `no_targets`
 */
export function selectDevices(registry: Registry, selection: Selection): Device[] {
  const { deviceClass, sites, districts, rooms, models, devices, except = [], everywhere } = selection;
  const isNarrowed = [sites, districts, rooms, models, devices].some((list) => list !== undefined);
  if (!isNarrowed && everywhere !== true)
    throw new AppError(
      'no_selection',
      'Say which devices: --site, --district, --room, --model or --device; --everywhere is all of the class in the city.',
    );
  if (isNarrowed && everywhere === true)
    throw new AppError('no_selection', '--everywhere is the whole city: leave it out, or everything else.');
  const all = [...registry.devices.values()];
  assertThere('site', sites, [...registry.sites.keys()]);
  assertThere(
    'district',
    districts,
    [...registry.sites.values()].map(({ district }) => district),
  );
  assertThere(
    'room',
    rooms,
    all.map(({ room }) => room),
  );
  assertThere(
    'model',
    models,
    all.flatMap(({ model }) => model ?? []),
  );
  assertThere('device', [...(devices ?? []), ...except], [...registry.devices.keys()]);
  const other = devices?.find((id) => registry.devices.get(id)?.deviceClass !== deviceClass);
  if (other !== undefined)
    throw new AppError(
      'no_targets',
      `Device "${other}" is no ${deviceClass}: a group command is for one class.`,
    );
  const fits = (wanted: readonly string[] | undefined, value: string | undefined) =>
    wanted === undefined || (value !== undefined && wanted.includes(value));
  const found = all.filter(
    (device) =>
      device.deviceClass === deviceClass &&
      fits(sites, device.site) &&
      fits(districts, registry.sites.get(device.site)?.district) &&
      fits(rooms, device.room) &&
      fits(models, device.model) &&
      fits(devices, device.id) &&
      !except.includes(device.id),
  );
  if (found.length === 0)
    throw new AppError('no_targets', `No ${deviceClass} fits all that is given: nothing is sent.`);
  return found.sort((a, b) => (`${a.site}/${a.id}` < `${b.site}/${b.id}` ? -1 : 1));
}

function assertThere(what: string, wanted: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = wanted?.find((each) => !known.includes(each));
  if (unknown === undefined) return;
  const meant = didYouMean(unknown, [...new Set(known)]);
  throw new AppError('not_registered', `No ${what} "${unknown}" is registered.${meant}`);
}

/** From this many of a site's class on, if they are half of it, and from this many devices in all. */
const wideAtSite = 5;
const wideInAll = 50;

/** Why a group command reaches so far that it takes a second person; undefined where it does not. */
export function whyWide(registry: Registry, devices: readonly Device[], action: string): string | undefined {
  const [first] = devices;
  if (first === undefined || findAction(first.deviceClass, action)?.harmless === true) return undefined;
  if (devices.length > wideInAll) return `it is for ${devices.length} devices, more than ${wideInAll}`;
  const counts = new Map<string, number>();
  for (const { site } of devices) counts.set(site, (counts.get(site) ?? 0) + 1);
  for (const [site, count] of counts) {
    if (count < wideAtSite) continue;
    const size = [...registry.devices.values()].filter(
      (device) => device.site === site && device.deviceClass === first.deviceClass,
    ).length;
    if (count * 2 >= size)
      return `it is for ${count} of ${size} devices of class ${first.deviceClass} at site "${site}"`;
  }
  return undefined;
}
