import type { CatalogueCase } from '../catalogue-case.js';
import { reports, several } from '../story.js';

/** Two days and a half, reported each five minutes; the first midnight ends a day of 16 hours, which is no whole one. */
const days = { hours: 60, every: 5, device: () => ({ intervalS: 300 }) };
const hourOfDay = (minute: number) => (8 + Math.floor(minute / 60)) % 24;

export const airCases: readonly CatalogueCase[] = [
  {
    rule: 'co2-high',
    severity: 'warning',
    bad: reports('sensor', { co2_ppm: 1040 }),
    close: [
      reports('sensor', { co2_ppm: 990 }),
      // A breath at the sensor.
      reports('sensor', (minute) => ({ co2_ppm: minute % 60 < 2 ? 2200 : 700 })),
    ],
  },
  {
    rule: 'co2-high',
    severity: 'minor',
    bad: reports('sensor', { co2_ppm: 1530 }),
    close: [reports('sensor', { co2_ppm: 1480 })],
  },
  {
    rule: 'co2-high',
    severity: 'major',
    bad: reports('sensor', { co2_ppm: 2600 }),
    close: [reports('sensor', { co2_ppm: 2400 })],
  },
  {
    rule: 'many-rooms-stuffy',
    bad: several('sensor', 6, (n) => ({ co2_ppm: n <= 2 ? 1650 : 900 })),
    close: [several('sensor', 6, (n) => ({ co2_ppm: n === 1 ? 1650 : 900 }))],
    also: ['co2-high'],
  },
  {
    rule: 'pm25-day-high',
    // One of them is enough, and all are one alarm.
    bad: several('sensor', 5, (n) => ({ pm25_ugm3: n === 1 ? 62 : 30 }), days),
    close: [
      reports('sensor', { pm25_ugm3: 47 }, days),
      // Sweeping, two hours in the afternoon.
      reports('sensor', (minute) => ({ pm25_ugm3: [16, 17].includes(hourOfDay(minute)) ? 400 : 15 }), days),
      // A sensor that was there for a few hours has no mean of the day.
      reports('sensor', (minute) => (minute < 600 ? { pm25_ugm3: 120 } : {}), days),
    ],
  },
  {
    rule: 'pm10-day-high',
    bad: reports('sensor', { pm10_ugm3: 130 }, days),
    close: [reports('sensor', { pm10_ugm3: 95 }, days)],
  },
  {
    // Haze is one alarm.
    rule: 'pm25-day-high',
    bad: reports('sensor', { pm25_ugm3: 70, pm10_ugm3: 130 }, days),
    close: [reports('sensor', { pm25_ugm3: 40, pm10_ugm3: 90 }, days)],
  },
  {
    rule: 'formaldehyde-hour-high',
    bad: reports('sensor', { hcho_mgm3: 0.1 }),
    close: [
      reports('sensor', { hcho_mgm3: 0.078 }),
      // Cleaning agent: far above the limit for ten minutes is no hour above it.
      reports('sensor', (minute) => ({ hcho_mgm3: minute % 60 < 10 ? 0.3 : 0.03 })),
      // Ten minutes of an hour are not measured enough.
      reports('sensor', (minute) => (minute % 60 < 10 ? { hcho_mgm3: 0.3 } : {})),
    ],
  },
  {
    rule: 'tvoc-8h-high',
    bad: reports('sensor', { tvoc_mgm3: 0.8 }, { hours: 9 }),
    close: [reports('sensor', (minute) => ({ tvoc_mgm3: minute < 120 ? 1.2 : 0.3 }), { hours: 9 })],
  },
];
