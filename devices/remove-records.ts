import type { Registry } from './registry.js';
import { unassigned } from './site.js';
import { groupByParent } from './topology.js';

export const removableKinds = ['site', 'room', 'device'] as const;
export type RemovableKind = (typeof removableKinds)[number];

/**
 * The registry without some of its records, or one sentence a record why that may not be. A site goes with all
 * that is its own only where `recursive` says so.
 * @param ids of sites or devices; of a room, `site/room`
 */
export function removeRecords(
  registry: Registry,
  kind: RemovableKind,
  ids: readonly string[],
  recursive: boolean,
): { readonly after: Registry } | { readonly problems: readonly string[] } {
  const gone = new Set(ids);
  const known: ReadonlyMap<string, unknown> =
    kind === 'site' ? registry.sites : kind === 'room' ? registry.rooms : registry.devices;
  const problems = ids
    .filter((id) => !known.has(id))
    .map((id) => `There is no ${kind} "${id}" in the registry.`);
  const devices = [...registry.devices.values()];
  if (kind === 'site' && !recursive) {
    for (const id of ids) {
      const count = devices.filter(({ site }) => site === id).length;
      if (count > 0)
        problems.push(`Site "${id}" has ${count} devices: remove them first, or all with it by --recursive.`);
    }
  }
  if (kind === 'room') {
    for (const id of ids) {
      const inside = devices.filter(({ site, room }) => room !== unassigned && `${site}/${room}` === id);
      if (inside.length > 0)
        problems.push(
          `Room "${id}" has ${inside.length} devices, "${inside[0]?.id ?? ''}" one of them: move them first.`,
        );
    }
  }
  if (kind === 'device') {
    const byParent = groupByParent(devices);
    for (const id of ids) {
      const below = (byParent.get(id) ?? []).filter((child) => !gone.has(child.id));
      if (below.length > 0)
        problems.push(
          `Device "${id}" is the parent of ${below.length} others, "${below[0]?.id ?? ''}" one of them: give them another parent first.`,
        );
    }
  }
  if (problems.length > 0) return { problems };
  const isGone = (record: { readonly site: string }, key: string, of: RemovableKind) =>
    kind === 'site' ? gone.has(record.site) : kind === of && gone.has(key);
  return {
    after: {
      sites: without(registry.sites, (_, id) => kind === 'site' && gone.has(id)),
      rooms: without(registry.rooms, (room, key) => isGone(room, key, 'room')),
      timetables: without(registry.timetables, ({ site }) => kind === 'site' && gone.has(site)),
      devices: without(registry.devices, (device, id) => isGone(device, id, 'device')),
    },
  };
}

function without<Value>(
  map: ReadonlyMap<string, Value>,
  isGone: (value: Value, key: string) => boolean,
): Map<string, Value> {
  return new Map([...map].filter(([key, value]) => !isGone(value, key)));
}
