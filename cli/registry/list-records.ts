import type { Registry } from '../../devices/registry.js';

export const listableKinds = ['sites', 'rooms', 'devices'] as const;
export type ListableKind = (typeof listableKinds)[number];

/** Records of a kind, of one site where it is given, for programs and as rows for people. */
export function listRecords(
  registry: Registry,
  kind: ListableKind,
  site: string | undefined,
): {
  readonly records: readonly object[];
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
} {
  switch (kind) {
    case 'sites': {
      const counts = new Map<string, number>();
      for (const device of registry.devices.values())
        counts.set(device.site, (counts.get(device.site) ?? 0) + 1);
      const records = byId(
        [...registry.sites.values()].filter(({ id }) => site === undefined || id === site),
      );
      return {
        records,
        head: ['Site', 'Name', 'Kind', 'District', 'Stage', 'Mbit/s', 'Devices'],
        rows: records.map(({ id, nameZh, nameEn, kind: siteKind, district, stage, uplinkMbps }) => [
          id,
          nameZh ?? nameEn ?? '',
          siteKind,
          district,
          stage ?? '',
          uplinkMbps ?? '',
          counts.get(id) ?? 0,
        ]),
      };
    }
    case 'rooms': {
      const records = ofSite(registry.rooms.values(), site);
      return {
        records,
        head: ['Site', 'Room', 'Name', 'Kind', 'Floor', 'Seats'],
        rows: records.map(({ site: at, id, nameZh, nameEn, kind: roomKind, floor, capacity }) => [
          at,
          id,
          nameZh ?? nameEn ?? '',
          roomKind,
          floor ?? '',
          capacity ?? '',
        ]),
      };
    }
    case 'devices': {
      const records = ofSite(registry.devices.values(), site);
      return {
        records,
        head: ['Device', 'Class', 'Site', 'Room', 'Parent', 'Model', 'Serial', 'Interval s'],
        rows: records.map(({ id, deviceClass, site: at, room, parent, model, serial, intervalS }) => [
          id,
          deviceClass,
          at,
          room,
          parent ?? '',
          model ?? '',
          serial ?? '',
          intervalS ?? '',
        ]),
      };
    }
  }
}

function ofSite<Record extends { readonly id: string; readonly site: string }>(
  records: Iterable<Record>,
  site: string | undefined,
): Record[] {
  return byId([...records].filter((record) => site === undefined || record.site === site));
}

function byId<Record extends { readonly id: string; readonly site?: string }>(records: Record[]): Record[] {
  const key = ({ site = '', id }: Record) => `${site}/${id}`;
  return records.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
