import type { Device } from '../../devices/device.js';
import { deviceClasses } from '../../devices/device-class.js';
import { nearest } from '../../devices/did-you-mean.js';
import type { Registry } from '../../devices/registry.js';
import type { Site } from '../../devices/site.js';
import { phaseAt } from '../../devices/timetable.js';
import type { SchoolPhase } from '../../devices/timetable.js';
import { chainOf, groupByParent } from '../../devices/topology.js';
import { AppError } from '../../runtime/app-error.js';
import { formatPairs } from '../terminal/table.js';

/** A site or device with what it is connected to. */
export type RegistryEntry =
  | {
      readonly kind: 'site';
      readonly site: Site;
      readonly rooms: number;
      readonly devices: Readonly<Record<string, number>>;
      /** What goes on there now; null without a timetable. */
      readonly phase: SchoolPhase | null;
    }
  | {
      readonly kind: 'device';
      readonly device: Device;
      /** The way up to the site: device ids, `gateway#port`, the site's id. */
      readonly chain: readonly string[];
      readonly children: readonly string[];
    };

/**
 * @param now epoch ms
 * @throws AppError `not_registered`
 */
export function findEntry(registry: Registry, id: string, now: number, timeZone: string): RegistryEntry {
  const device = registry.devices.get(id);
  if (device !== undefined) {
    const chain = chainOf(registry.devices, id).map((link) => {
      if (link.kind === 'device') return link.device.id;
      return link.kind === 'port' ? `${link.gateway}#${link.port}` : link.site;
    });
    const children = (groupByParent(registry.devices.values()).get(id) ?? []).map((child) => child.id);
    return { kind: 'device', device, chain, children };
  }
  const site = registry.sites.get(id);
  if (site === undefined) {
    const near = nearest(id, [...registry.sites.keys(), ...registry.devices.keys()]);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new AppError('not_registered', `There is no site or device "${id}" in the registry.${hint}`);
  }
  const ofSite = [...registry.devices.values()].filter((each) => each.site === id);
  const timetable = registry.timetables.get(id);
  return {
    kind: 'site',
    site,
    rooms: [...registry.rooms.values()].filter((room) => room.site === id).length,
    devices: Object.fromEntries(
      deviceClasses.map((each) => [each, ofSite.filter(({ deviceClass }) => deviceClass === each).length]),
    ),
    phase: timetable === undefined ? null : phaseAt(timetable, now, timeZone),
  };
}

/** The entry for people. */
export function describeEntry(entry: RegistryEntry): string {
  const facts =
    entry.kind === 'site'
      ? { ...entry.site, ...siteFacts(entry) }
      : { ...entry.device, ...deviceFacts(entry) };
  return formatPairs(
    Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function siteFacts({ rooms, devices, phase }: Extract<RegistryEntry, { kind: 'site' }>) {
  const counts = Object.entries(devices).map(([deviceClass, count]) => `${count} ${deviceClass}`);
  return { rooms, devices: counts.join(', '), now: phase ?? 'no timetable' };
}

function deviceFacts({ chain, children }: Extract<RegistryEntry, { kind: 'device' }>) {
  const shown = children.slice(0, 20).join(', ');
  return {
    chain: chain.join(' → '),
    children:
      children.length === 0 ? undefined : `${children.length}: ${shown}${children.length > 20 ? ', …' : ''}`,
  };
}
