import type { CatalogueCase } from '../catalogue-case.js';
import { events, reports } from '../story.js';

export const safetyCases: readonly CatalogueCase[] = [
  {
    rule: 'co-high',
    severity: 'major',
    bad: reports('sensor', { co_mgm3: 13 }),
    close: [
      reports('sensor', { co_mgm3: 9 }),
      // A car in the yard: ten minutes above the limit of an hour.
      reports('sensor', (minute) => ({ co_mgm3: minute % 60 >= 20 && minute % 60 < 30 ? 20 : 1 })),
    ],
  },
  {
    rule: 'co-high',
    severity: 'critical',
    bad: reports('sensor', (minute) => ({ co_mgm3: minute < 60 ? 1 : 60 })),
    close: [reports('sensor', { co_mgm3: 30 })],
  },
  {
    rule: 'smoke-detected',
    severity: 'critical',
    bad: events('sensor', 'smoke', [30]),
    close: [events('sensor', 'reboot', [30])],
  },
  {
    rule: 'room-very-hot',
    severity: 'major',
    bad: reports('sensor', (minute) => ({ temp_c: Math.min(58, 26 + minute / 2) })),
    close: [reports('sensor', { temp_c: 44 })],
  },
  {
    rule: 'flooding-detected',
    severity: 'critical',
    bad: events('sensor', 'flooding', [30]),
    close: [events('sensor', 'reboot', [30])],
  },
  {
    rule: 'campus-power-lost',
    severity: 'critical',
    bad: events('gateway', 'power_lost', [30]),
    close: [events('gateway', 'power_lost', [30], { maintenance: true }), events('gateway', 'reboot', [30])],
  },
  {
    rule: 'device-tampered',
    bad: events('sensor', 'tamper', [30]),
    close: [events('sensor', 'tamper', [30], { maintenance: true })],
  },
];
