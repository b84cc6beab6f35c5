import type { CatalogueCase } from '../catalogue-case.js';
import { events, noise, partReports, reports } from '../story.js';

const week = 7 * 24 * 60;
/** Mbit/s by the hour of the week: busy in lessons of the first five days. */
const usualTraffic = (minute: number) =>
  Math.floor((minute % week) / 1440) < 5 && minute % 1440 < 9 * 60
    ? 420 + 25 * noise(minute)
    : 15 + 2 * noise(minute);
const weeks = { hours: 3.5 * 7 * 24, every: 10, device: () => ({ intervalS: 600 }) };

export const uplinkCases: readonly CatalogueCase[] = [
  {
    rule: 'uplink-down',
    severity: 'major',
    bad: partReports('gateway', 'wan', { link_up: 0 }),
    close: [
      // An unused port.
      partReports('gateway', 'port12', { link_up: 0 }),
      reports('gateway', (minute) => ({ link_up: minute % 120 === 60 ? 0 : 1 })),
    ],
  },
  {
    rule: 'uplink-link-slow',
    bad: partReports('gateway', 'wan', { link_mbps: 100 }),
    close: [
      partReports('gateway', 'wan', { link_mbps: 1000 }),
      partReports('gateway', 'port12', { link_mbps: 100 }),
    ],
  },
  {
    rule: 'uplink-below-contract',
    bad: reports('gateway', (minute) =>
      minute % 60 === 0 ? { throughput_down_mbps: 540 + minute / 4 } : {},
    ),
    close: [
      // One test in a busy hour, the others at peace.
      reports('gateway', (minute) =>
        minute % 60 === 0 ? { throughput_down_mbps: minute === 0 ? 930 : 300 } : {},
      ),
      reports('gateway', (minute) => (minute === 30 ? { throughput_down_mbps: 200 } : {})),
    ],
  },
  {
    rule: 'uplink-loss',
    severity: 'warning',
    bad: reports('gateway', { loss_pct: 4 }),
    close: [
      reports('gateway', { loss_pct: 0.8 }),
      reports('gateway', (minute) => ({ loss_pct: minute === 60 ? 15 : 0 })),
    ],
  },
  {
    rule: 'uplink-loss',
    severity: 'minor',
    bad: reports('gateway', { loss_pct: 18 }),
    close: [reports('gateway', { loss_pct: 8 })],
  },
  {
    rule: 'uplink-rtt-shift',
    bad: reports('gateway', (minute) => ({ rtt_ms: (minute < 500 ? 12 : 55) + 3 * noise(minute) }), {
      hours: 11,
    }),
    close: [
      // Peaks.
      reports('gateway', (minute) => ({ rtt_ms: (minute % 50 === 7 ? 180 : 12) + 3 * noise(minute) }), {
        hours: 11,
      }),
      // It moves, but is still good.
      reports('gateway', (minute) => ({ rtt_ms: (minute < 500 ? 12 : 20) + 3 * noise(minute) }), {
        hours: 11,
      }),
    ],
  },
  {
    rule: 'uplink-ipv6-dead',
    bad: reports('gateway', { loss_pct: 0.2, loss6_pct: 100 }),
    close: [
      // Neither works: that is the uplink, not IPv6.
      reports('gateway', { loss_pct: 0.9, loss6_pct: 12 }),
    ],
  },
  {
    rule: 'uplink-ipv6-slow',
    bad: reports('gateway', { rtt_ms: 9, rtt6_ms: 85 }),
    close: [reports('gateway', { rtt_ms: 9, rtt6_ms: 22 })],
  },
  {
    rule: 'dns-failing',
    bad: reports('gateway', { dns_fail_pct: 9 }),
    close: [reports('gateway', { dns_fail_pct: 4 })],
  },
  {
    rule: 'dns-slow',
    bad: reports('gateway', (minute) => ({ dns_ms: 150 + 30 * noise(minute) })),
    close: [reports('gateway', (minute) => ({ dns_ms: minute % 4 === 0 ? 900 : 18 }))],
  },
  {
    rule: 'dhcp-failing',
    bad: reports('gateway', { dhcp_fail_pct: 12 }),
    close: [reports('gateway', { dhcp_fail_pct: 3 })],
  },
  {
    rule: 'dhcp-pool-exhausted',
    bad: events('gateway', 'dhcp_starved', [30]),
    close: [events('gateway', 'link_up', [30])],
  },
  {
    rule: 'traffic-unusual',
    bad: reports(
      'gateway',
      (minute) => ({
        rx_mbps: usualTraffic(minute),
        // Saturday night of the fourth week: somebody sends a lot.
        tx_mbps: minute > 3 * week && minute % week > 840 && minute % week < 1020 ? 600 : 8 + noise(minute),
      }),
      weeks,
    ),
    close: [
      reports('gateway', (minute) => ({ rx_mbps: usualTraffic(minute), tx_mbps: 8 + noise(minute) }), weeks),
    ],
  },
  {
    rule: 'clock-offset',
    severity: 'warning',
    bad: reports('gateway', { ntp_offset_ms: -4200 }),
    close: [reports('gateway', { ntp_offset_ms: 180 })],
  },
  {
    rule: 'clock-offset',
    severity: 'minor',
    bad: reports('gateway', { ntp_offset_ms: 260_000 }),
    close: [reports('gateway', { ntp_offset_ms: 45_000 })],
  },
];
