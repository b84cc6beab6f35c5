import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueCase } from '../catalogue-case.js';
import { noise, reports, several } from '../story.js';

/** Minute values of two motes in one room; something hot was held to the first one. */
const motes = JSON.parse(
  readFileSync(join(import.meta.dirname, '../suthaharan/single-hop.json'), 'utf8'),
) as Readonly<Record<'disturbed' | 'undisturbed', readonly number[]>>;
const recorded = (values: readonly number[]) =>
  reports('sensor', (minute) => ({ temp_c: values[minute] ?? 0 }), { hours: values.length / 60 });

export const sensorHealthCases: readonly CatalogueCase[] = [
  {
    rule: 'co2-sensor-drift',
    bad: reports('sensor', { co2_ppm: 320 }),
    close: [reports('sensor', { co2_ppm: 410 })],
  },
  {
    rule: 'co2-high-at-night',
    bad: several('sensor', 6, (n) => ({ co2_ppm: n === 1 ? 860 : 430 + 5 * n }), { phase: 'night' }),
    close: [
      several('sensor', 6, (n) => ({ co2_ppm: n === 1 ? 860 : 430 + 5 * n })),
      several('sensor', 6, (n) => ({ co2_ppm: 600 + 30 * n }), { phase: 'night' }),
    ],
  },
  {
    rule: 'co2-stuck',
    bad: reports('sensor', { co2_ppm: 612, occupied: 1 }),
    close: [
      // An empty room, honestly constant.
      reports('sensor', { co2_ppm: 420, occupied: 0 }, { hours: 12 }),
      reports('sensor', (minute) => ({ co2_ppm: 612 + Math.round(3 * noise(minute)), occupied: 1 })),
    ],
  },
  {
    rule: 'temp-stuck',
    bad: reports('sensor', (minute) => ({ temp_c: 23, rh_pct: 55 + 10 * Math.sin(minute / 100) }), {
      hours: 15,
    }),
    close: [
      // A humid night, and a sensor that tells whole degrees.
      reports(
        'sensor',
        (minute) => ({
          temp_c: Math.round(27 - 2 * Math.sin((minute / 1440) * 2 * Math.PI)),
          rh_pct: Math.round(85 + 9 * Math.sin((minute / 1440) * 2 * Math.PI)),
        }),
        { hours: 48 },
      ),
      // A steady night.
      reports('sensor', (minute) => ({ temp_c: 23, rh_pct: 55 + noise(minute) }), { hours: 9 }),
      reports('sensor', (minute) => ({ temp_c: 23 + 0.2 * noise(minute), rh_pct: 55 + 10 * noise(minute) }), {
        hours: 9,
      }),
    ],
  },
  {
    rule: 'temp-jumps',
    bad: recorded(motes.disturbed),
    close: [
      recorded(motes.undisturbed),
      // A window is opened in winter.
      reports('sensor', (minute) => ({ temp_c: minute < 60 ? 22 : Math.max(12, 22 - (minute - 60)) })),
    ],
  },
  {
    rule: 'temp-unlike-floor',
    bad: several('sensor', 5, (n) => ({ temp_c: n === 1 ? 34 : 24 + n / 10 }), { phase: 'night' }),
    close: [
      several('sensor', 5, (n) => ({ temp_c: n === 1 ? 30 : 24 + n / 10 }), { phase: 'night' }),
      // A cooled lesson on a hot Saturday, and the room of the machines at any time.
      several('sensor', 5, (n) => ({ temp_c: n === 1 ? 25 : 34 + n / 10 })),
      several('sensor', 5, (n) => ({ temp_c: n === 1 ? 20 : 30 + n / 10 }), {
        phase: 'night',
        device: (id) => (id === '1' ? { roomKind: 'equipment' } : {}),
      }),
    ],
  },
  {
    rule: 'co2-not-reported',
    bad: reports('sensor', (minute) => (minute < 10 ? { co2_ppm: 600, rh_pct: 50 } : { rh_pct: 50 })),
    close: [
      reports('sensor', { rh_pct: 50 }),
      reports('sensor', (minute) =>
        minute % 20 === 0 ? { co2_ppm: 600 + minute, rh_pct: 50 } : { rh_pct: 50 },
      ),
    ],
  },
  {
    rule: 'temp-not-reported',
    bad: reports('sensor', (minute) => (minute < 40 ? { temp_c: 23, rh_pct: 50 } : { rh_pct: 50 })),
    close: [reports('sensor', { rh_pct: 50 })],
    also: ['sensor-reports-lost'],
  },
  {
    rule: 'sensor-battery-low',
    severity: 'warning',
    bad: reports('sensor', { battery_pct: 16 }),
    close: [
      reports('sensor', { battery_pct: 24 }),
      // A cold morning.
      reports('sensor', (minute) => ({ battery_pct: minute > 300 && minute < 360 ? 12 : 40 }), { hours: 12 }),
    ],
  },
  {
    rule: 'sensor-battery-low',
    severity: 'minor',
    bad: reports('sensor', { battery_pct: 3 }),
    close: [reports('sensor', { battery_pct: 9 })],
  },
  {
    rule: 'sensor-reports-lost',
    bad: { deviceClass: 'sensor', tell: (minute) => (minute % 4 === 0 ? [{ m: { temp_c: 22 } }] : []) },
    close: [
      reports('sensor', { temp_c: 22 }),
      { deviceClass: 'sensor', tell: (minute) => (minute % 5 < 3 ? [{ m: { temp_c: 22 } }] : []) },
      // It was away for four minutes of each hour.
      { deviceClass: 'sensor', tell: (minute) => (minute % 60 >= 4 ? [{ m: { temp_c: 22 } }] : []) },
    ],
  },
];
