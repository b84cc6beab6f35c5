import type { District } from '../../devices/district.js';

/** A classroom sensor of the demo. */
export interface DemoDevice {
  readonly site: string;
  readonly district: District;
  readonly room: string;
  readonly device: string;
  /** How much later in the recorded day the room is than the demo's common shift says. */
  readonly offsetMinutes: number;
  /** At which millisecond of each minute the device measures. */
  readonly phaseMs: number;
}

interface DemoSite {
  readonly site: string;
  readonly district: District;
  /** Minutes by room. */
  readonly offsets: Readonly<Record<string, number>>;
}

// One room of each campus is still full when the demo starts; the others emptied a while ago.
const demoSites: readonly DemoSite[] = [
  {
    site: 'fs-chancheng-01',
    district: 'chancheng',
    offsets: { r101: 0, r102: 34, r201: 46, r202: 52, r301: 58, r302: 62 },
  },
  {
    site: 'fs-nanhai-01',
    district: 'nanhai',
    offsets: { r101: -8, r102: 38, r201: 44, r202: 50, r301: 56, r302: 60 },
  },
  {
    site: 'fs-shunde-01',
    district: 'shunde',
    offsets: { r101: 5, r102: 36, r201: 42, r202: 48, r301: 54, r302: 61 },
  },
];

/** Every device of the demo; the same at each start. */
export const demoDevices: readonly DemoDevice[] = demoSites.flatMap(({ site, district, offsets }, s) =>
  Object.entries(offsets).map(([room, offsetMinutes], r) => ({
    site,
    district,
    room,
    device: `${site}-${room}`,
    offsetMinutes,
    // Spread evenly, so that no two devices send at once.
    phaseMs: (r * demoSites.length + s) * 3000,
  })),
);
