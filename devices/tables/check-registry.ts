import { nearest } from '../did-you-mean.js';
import type { Device } from '../device.js';
import type { Registry } from '../registry.js';
import { roomKey } from '../room.js';
import { unassigned } from '../site.js';
import { findCycles, parseParent } from '../topology.js';
import type { MergedRegistry } from './merge-tables.js';
import type { Report } from './parse-table.js';
import { problemAt } from './read-tables.js';
import type { TableRow, TableRows } from './read-tables.js';

/** Searching for what was meant takes long; whoever has so many problems finds the others by these. */
const mostHints = 20;

/** Reports every row that refers to something that isn't there, and what would be left without it. */
export function checkRegistry(
  current: Registry,
  merged: MergedRegistry,
  rows: TableRows,
  report: Report,
): void {
  const { registry } = merged;
  let hints = 0;
  const hint = (written: string, known: Iterable<string>) => {
    const near = ++hints > mostHints ? undefined : nearest(written, known);
    return near === undefined ? '' : ` Did you mean "${near}"?`;
  };
  for (const row of [...rows.rooms, ...rows.timetable, ...rows.devices]) {
    const { site } = row.fields;
    if (site === undefined || registry.sites.has(site)) continue;
    const message = `there is no site "${site}": add it to the table of sites.${hint(site, registry.sites.keys())}`;
    report(problemAt(row, 'site', message));
  }
  const roomsOf = new Map<string, string[]>();
  for (const { site, id } of registry.rooms.values()) {
    const rooms = roomsOf.get(site);
    if (rooms === undefined) roomsOf.set(site, [id]);
    else rooms.push(id);
  }
  for (const [id, row] of merged.deviceRows) {
    const device = registry.devices.get(id);
    if (device === undefined || !registry.sites.has(device.site)) continue;
    if (device.room !== unassigned && !registry.rooms.has(roomKey(device.site, device.room))) {
      const near = hint(device.room, roomsOf.get(device.site) ?? []);
      const message = `site "${device.site}" has no room "${device.room}": add it to the table of rooms.${near}`;
      report(problemAt(row, 'room', message));
    }
    const wrong = wrongParent(device, registry.devices, (parent) => hint(parent, registry.devices.keys()));
    if (wrong !== undefined) report(problemAt(row, 'parent', wrong));
  }
  reportCycles(registry, merged.deviceRows, report);
  reportOrphans(current, merged, rows, report);
}

function wrongParent(
  { id, site, parent: written }: Device,
  devices: ReadonlyMap<string, Device>,
  hint: (parent: string) => string,
): string | undefined {
  if (written === undefined) return undefined;
  const { device, port } = parseParent(written);
  const parent = devices.get(device);
  if (device === id) return 'a device can not be its own parent: write what it is connected to.';
  if (parent === undefined)
    return `there is no device "${device}": add it to the table of devices.${hint(device)}`;
  if (parent.site !== site)
    return `"${device}" is at site "${parent.site}", this device at "${site}": a parent is at the same site.`;
  if (port !== undefined && parent.deviceClass !== 'gateway')
    return `"${device}" is a ${parent.deviceClass}; only a gateway has ports: write "${device}".`;
  return undefined;
}

function reportCycles(
  registry: Registry,
  deviceRows: ReadonlyMap<string, TableRow<Device>>,
  report: Report,
): void {
  for (const cycle of findCycles(registry.devices.values())) {
    // One that is its own parent has been told so.
    const start = cycle.findIndex((id) => deviceRows.has(id));
    const row = deviceRows.get(cycle[start] ?? '');
    if (row === undefined || cycle.length < 2) continue;
    const circle = [...cycle.slice(start), ...cycle.slice(0, start + 1)].join(' → ');
    report(
      problemAt(row, 'parent', `the parents form a circle, ${circle}: one of them must lead to the gateway.`),
    );
  }
}

/** What stays and refers to what is removed: its own row, where it has one, was judged already. */
function reportOrphans(current: Registry, merged: MergedRegistry, rows: TableRows, report: Report): void {
  const { registry, deviceRows } = merged;
  const file = [...rows.devices, ...rows.rooms, ...rows.sites].map(({ place }) => place.file)[0] ?? '';
  for (const { id, site, room, parent } of registry.devices.values()) {
    if (deviceRows.has(id)) continue;
    const ofRoom = roomKey(site, room);
    if (current.rooms.has(ofRoom) && !registry.rooms.has(ofRoom)) {
      const message = `room "${room}" of site "${site}" would be removed, but device "${id}" is in it: move or remove the device, too.`;
      report({ file, message });
    }
    const above = parent === undefined ? undefined : parseParent(parent).device;
    if (above !== undefined && current.devices.has(above) && !registry.devices.has(above)) {
      const message = `device "${above}" would be removed, but it is the parent of "${id}": give that another parent, or remove it, too.`;
      report({ file, message });
    }
    if (above !== undefined) {
      const newSite = registry.devices.get(above)?.site;
      if (newSite !== undefined && newSite !== site) {
        const message = `device "${above}" would be at site "${newSite}", but it is the parent of "${id}" at "${site}": move that, too.`;
        report({ file, message });
      }
    }
  }
}
