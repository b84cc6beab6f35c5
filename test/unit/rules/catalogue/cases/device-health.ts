import type { CatalogueCase } from '../catalogue-case.js';
import { events, partReports, reports } from '../story.js';

export const deviceHealthCases: readonly CatalogueCase[] = [
  {
    rule: 'ap-cpu-busy',
    bad: reports('ap', { cpu_pct: 96 }),
    close: [
      reports('ap', { cpu_pct: 86 }),
      reports('ap', (minute) => ({ cpu_pct: minute % 60 < 20 ? 99 : 40 })),
    ],
  },
  {
    rule: 'gateway-cpu-busy',
    bad: reports('gateway', { cpu_pct: 96 }),
    close: [reports('gateway', { cpu_pct: 86 })],
  },
  {
    rule: 'network-memory-full',
    bad: reports('ap', { mem_pct: 97 }),
    close: [reports('gateway', { mem_pct: 93 })],
  },
  {
    rule: 'gateway-disk-full',
    bad: reports('gateway', { disk_pct: 94 }),
    close: [reports('gateway', { disk_pct: 89 })],
  },
  {
    rule: 'network-device-hot',
    bad: reports('gateway', { temp_c: 91 }),
    close: [reports('ap', { temp_c: 82 })],
  },
  {
    rule: 'network-reboot-loop',
    bad: reports('ap', (minute) => ({ uptime_s: (minute % 40) * 60 })),
    close: [
      // It runs for weeks, and is restarted twice.
      reports('ap', (minute) => ({ uptime_s: 60 * (minute < 60 ? 90_000 + minute : minute % 120) })),
      reports('ap', (minute) => ({ uptime_s: (minute % 40) * 60 }), { maintenance: true }),
    ],
  },
  {
    rule: 'update-failing',
    bad: events('whiteboard', 'update_failed', [10, 100]),
    close: [events('whiteboard', 'update_failed', [10])],
  },
  {
    rule: 'ap-link-slow',
    severity: 'warning',
    bad: reports('ap', (minute) => ({ link_mbps: minute < 60 ? 1000 : 100, link_errors: 7 })),
    close: [
      reports('ap', { link_mbps: 1000, link_errors: 7 }),
      // Speeds are agreed anew.
      reports('ap', (minute) => ({ link_mbps: minute === 60 ? 100 : 1000, link_errors: 7 })),
    ],
  },
  {
    rule: 'ap-link-slow',
    severity: 'minor',
    bad: reports('ap', (minute) => ({ link_mbps: minute < 60 ? 1000 : 100, link_errors: 7 + 9 * minute })),
    close: [reports('ap', (minute) => ({ link_mbps: 100, link_errors: 7 + Math.floor(minute / 5) }))],
  },
  {
    rule: 'ap-link-flapping',
    bad: events('ap', 'link_down', [10, 20, 30, 40]),
    close: [events('ap', 'link_down', [10, 60, 110, 160])],
  },
  {
    rule: 'port-flapping',
    bad: {
      deviceClass: 'gateway',
      tell: (minute) => [{ m: {}, parts: { port7: { link_up: minute % 4 < 2 ? 1 : 0 } } }],
    },
    close: [
      {
        deviceClass: 'gateway',
        tell: (minute) => [{ m: {}, parts: { port7: { link_up: minute % 60 < 5 ? 0 : 1 } } }],
      },
      partReports('gateway', 'port8', { link_up: 0 }),
    ],
  },
  {
    rule: 'port-errors',
    bad: reports('gateway', (minute) => ({ if_errors: 40 * minute })),
    close: [reports('gateway', (minute) => ({ if_errors: 5 * minute }))],
  },
];
