import type { Device } from '../../devices/device.js';
import type { Registry } from '../../devices/registry.js';
import { roomKey } from '../../devices/room.js';
import { unassigned } from '../../devices/site.js';
import { parseParent } from '../../devices/topology.js';
import type { DeviceClass } from '../../devices/device-class.js';
import type { GroupKind } from '../../rules/group-kind.js';
import type { Reach } from '../../rules/causality.js';
import type { DeskAlarm } from './desk-alarm.js';

/** A place from which an alarm reaches down; the higher, the more hangs on it. */
export interface Vantage {
  readonly key: string;
  readonly height: number;
}

/** Where something is, as far as anybody knows. */
interface Place {
  readonly site: string;
  readonly district: string;
  readonly room: string;
  readonly floor?: number | undefined;
}

/** Above whatever chain of devices there is. */
const heights = { room: 200, floor: 300, parent: 0.5, site: 400, district: 500 } as const;

/**
 * What hangs on what, as the registry has it: which alarms can be above which. Made anew when the registry changes.
 * A device that no registry knows stands alone at its site.
 */
export class CityPlan {
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #rooms: Registry['rooms'];
  readonly #sites: Registry['sites'];
  readonly #ofSite = new Map<string, Device[]>();
  readonly #ofParent = new Map<string, Device[]>();
  readonly #sitesOf = new Map<string, string[]>();
  /** By device; asked again and again while alarms wait. */
  readonly #above = new Map<string, readonly Vantage[]>();

  constructor({ devices, rooms, sites }: Pick<Registry, 'devices' | 'rooms' | 'sites'>) {
    this.#devices = devices;
    this.#rooms = rooms;
    this.#sites = sites;
    for (const device of devices.values()) {
      put(this.#ofSite, device.site, device);
      if (device.parent !== undefined) put(this.#ofParent, parseParent(device.parent).device, device);
    }
    for (const site of sites.values()) put(this.#sitesOf, site.district, site.id);
  }

  /** Where an alarm stands itself: whoever is below is within what it explains. */
  vantageOf(alarm: DeskAlarm): string {
    if (alarm.reach !== undefined) return reachKey(alarm.reach, this.#placeOf(alarm));
    if (alarm.group !== undefined)
      return groupKey(alarm.group.kind, alarm.group.id, alarm.site, alarm.deviceClass);
    return deviceKey(alarm.device ?? '');
  }

  /** All places from which an alarm can be explained, the highest first. For a group: those over half of its devices. */
  above(alarm: DeskAlarm): readonly Vantage[] {
    if (alarm.group === undefined) return this.#aboveDevice(alarm.device ?? '', alarm);
    const members = this.#members(alarm);
    const counts = new Map<string, { vantage: Vantage; count: number }>();
    for (const { id } of members) {
      for (const vantage of this.#aboveDevice(id, alarm)) {
        const known = counts.get(vantage.key);
        if (known === undefined) counts.set(vantage.key, { vantage, count: 1 });
        else known.count++;
      }
    }
    const found = [...counts.values()].flatMap(({ vantage, count }) =>
      count * 2 >= members.length ? [vantage] : [],
    );
    // Its own group has no devices where nobody registered any.
    return byHeight([...found, ...this.#reachesOf(this.#placeOf(alarm))]);
  }

  /** What alarms that nothing explains may have in common: the device that they are reached through, else the site. */
  commonCauseOf({ device, site, group }: DeskAlarm): string {
    if (group?.kind === 'parent') return group.id;
    const known = device === undefined ? undefined : this.#devices.get(device);
    return known?.parent === undefined ? site : parseParent(known.parent).device;
  }

  #aboveDevice(
    id: string,
    alarm: Pick<DeskAlarm, 'site' | 'district' | 'room' | 'deviceClass'>,
  ): readonly Vantage[] {
    const known = this.#above.get(id);
    if (known !== undefined) return known;
    const found = byHeight(this.#findAbove(id, alarm));
    if (this.#devices.has(id)) this.#above.set(id, found);
    return found;
  }

  #findAbove(id: string, alarm: Pick<DeskAlarm, 'site' | 'district' | 'room' | 'deviceClass'>): Vantage[] {
    const device = this.#devices.get(id);
    if (device === undefined) {
      const place = this.#placeOf(alarm);
      const lone: Device = { id, site: alarm.site, room: alarm.room, deviceClass: alarm.deviceClass };
      return [{ key: deviceKey(id), height: 0 }, ...this.#groupsOf(lone), ...this.#reachesOf(place)];
    }
    const found: Vantage[] = [];
    const visited = new Set<string>();
    let link: Device | undefined = device;
    let top = device;
    for (let i = 0; link !== undefined && !visited.has(link.id); i++) {
      visited.add(link.id);
      top = link;
      found.push({ key: deviceKey(link.id), height: i }, ...this.#groupsOf(link, i));
      link = link.parent === undefined ? undefined : this.#devices.get(parseParent(link.parent).device);
    }
    // What hangs on the site itself is reached through all its gateways together.
    if (top.deviceClass !== 'gateway') found.push(...this.#aboveSite(device.site, visited.size));
    return [...found, ...this.#reachesOf(this.#placeOf({ ...alarm, site: device.site, room: device.room }))];
  }

  #aboveSite(site: string, i: number): Vantage[] {
    const gateways = (this.#ofSite.get(site) ?? []).filter(
      ({ deviceClass, parent }) => deviceClass === 'gateway' && parent === undefined,
    );
    const [first] = gateways;
    if (first === undefined) return [];
    return gateways.length === 1
      ? [{ key: deviceKey(first.id), height: i }, ...this.#groupsOf(first, i)]
      : this.#groupsOf(first, i).filter(({ height }) => height >= heights.site);
  }

  #groupsOf(device: Device, i = 0): Vantage[] {
    const { site, deviceClass, room, parent } = device;
    const place = this.#placeOf({ site, room, district: '' });
    const of = (kind: GroupKind, id: string | undefined, height: number): Vantage[] =>
      id === undefined || id === unassigned
        ? []
        : [{ key: groupKey(kind, id, site, deviceClass), height: height + i }];
    return [
      ...of('room', room, heights.room),
      ...of('floor', place.floor === undefined ? undefined : String(place.floor), heights.floor),
      ...of('parent', parent === undefined ? undefined : parseParent(parent).device, heights.parent),
      ...of('site', site, heights.site),
      ...of('district', place.district === '' ? undefined : place.district, heights.district),
    ];
  }

  #reachesOf(place: Place): Vantage[] {
    const of = (reach: Reach, isKnown: boolean): Vantage[] =>
      isKnown ? [{ key: reachKey(reach, place), height: heights[reach] + 50 }] : [];
    return [
      ...of('room', place.room !== unassigned),
      ...of('floor', place.floor !== undefined),
      ...of('site', place.site !== unassigned),
      ...of('district', place.district !== unassigned && place.district !== ''),
    ];
  }

  #members({ group, deviceClass, site }: DeskAlarm): readonly Device[] {
    if (group === undefined) return [];
    const ofClass = (devices: readonly Device[] | undefined) =>
      (devices ?? []).filter((device) => device.deviceClass === deviceClass);
    switch (group.kind) {
      case 'parent':
        return ofClass(this.#ofParent.get(group.id));
      case 'room':
        return ofClass(this.#ofSite.get(site)).filter(({ room }) => room === group.id);
      case 'floor':
        return ofClass(this.#ofSite.get(site)).filter(
          ({ room }) => String(this.#rooms.get(roomKey(site, room))?.floor) === group.id,
        );
      case 'site':
        return ofClass(this.#ofSite.get(site));
      case 'district':
        return (this.#sitesOf.get(group.id) ?? []).flatMap((each) => ofClass(this.#ofSite.get(each)));
    }
  }

  #placeOf({ site, district, room }: Pick<DeskAlarm, 'site' | 'district' | 'room'>): Place {
    return {
      site,
      room,
      district: this.#sites.get(site)?.district ?? district,
      floor: this.#rooms.get(roomKey(site, room))?.floor,
    };
  }
}

function deviceKey(id: string): string {
  return `device ${id}`;
}

function groupKey(kind: GroupKind, id: string, site: string, deviceClass: DeviceClass): string {
  // Ids of rooms and floors are a site's own.
  const of = kind === 'room' || kind === 'floor' ? `${site}/` : '';
  return `${kind} ${of}${id} ${deviceClass}`;
}

function reachKey(reach: Reach, { site, district, room, floor }: Place): string {
  switch (reach) {
    case 'room':
      return `all room ${site}/${room}`;
    case 'floor':
      return `all floor ${site}/${floor}`;
    case 'site':
      return `all site ${site}`;
    case 'district':
      return `all district ${district}`;
  }
}

function byHeight(found: readonly Vantage[]): readonly Vantage[] {
  return [...new Map(found.map((vantage) => [vantage.key, vantage])).values()].sort(
    (a, b) => b.height - a.height,
  );
}

function put<Item>(map: Map<string, Item[]>, key: string, item: Item): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [item]);
  else known.push(item);
}
