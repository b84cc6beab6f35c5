import type { CatalogueCase } from '../catalogue-case.js';
import { events, reports } from '../story.js';

const m = { co2_ppm: 600 };
const minutes = (count: number, every = 1) => Array.from({ length: count }, (_, i) => 10 + i * every);

export const deviceDataCases: readonly CatalogueCase[] = [
  {
    rule: 'device-clock-ahead',
    bad: events('gateway', 'clock_ahead', [20]),
    close: [reports('gateway', { cpu_pct: 20 })],
  },
  {
    rule: 'device-clock-behind',
    bad: events('ap', 'clock_behind', [20], { m: { cpu_pct: 20 } }),
    close: [reports('ap', { cpu_pct: 20 })],
  },
  {
    rule: 'device-readings-refused',
    bad: events('sensor', 'reading_refused', minutes(20), { m: {} }),
    close: [
      // Now and then one.
      events('sensor', 'reading_refused', minutes(8, 20), { m }),
    ],
  },
];
