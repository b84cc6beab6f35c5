import type { CatalogueCase } from '../catalogue-case.js';
import { events, partReports, reports, several } from '../story.js';

const twoWeeks = { hours: 10 * 24, every: 10, device: () => ({ intervalS: 600 }) };
const radio = (metrics: Record<string, number>) => partReports('ap', 'radio5', metrics);

export const wifiRadioCases: readonly CatalogueCase[] = [
  {
    rule: 'ap-interference',
    bad: radio({ chan_util_pct: 74, own_tx_pct: 6, own_rx_pct: 4 }),
    close: [
      radio({ chan_util_pct: 55, own_tx_pct: 6, own_rx_pct: 4 }),
      radio({ chan_util_pct: 66, own_tx_pct: 30, own_rx_pct: 12 }),
    ],
  },
  {
    rule: 'ap-overload',
    bad: radio({ chan_util_pct: 82, own_tx_pct: 55, own_rx_pct: 15 }),
    close: [radio({ chan_util_pct: 66, own_tx_pct: 55, own_rx_pct: 8 })],
  },
  {
    rule: 'ap-channel-busy',
    bad: radio({ chan_util_pct: 82 }),
    close: [
      radio({ chan_util_pct: 66 }),
      reports('ap', (minute) => ({ chan_util_pct: minute % 60 >= 20 && minute % 60 < 28 ? 90 : 40 })),
    ],
  },
  {
    rule: 'ap-retries-high',
    severity: 'warning',
    bad: radio({ rssi_dbm: -58, retry_pct: 20, clients: 18 }),
    close: [
      radio({ rssi_dbm: -58, retry_pct: 8, clients: 18 }),
      // Far clients repeat themselves: that is coverage.
      radio({ rssi_dbm: -72, retry_pct: 25, clients: 18 }),
      radio({ rssi_dbm: -58, retry_pct: 40, clients: 2 }),
    ],
  },
  {
    rule: 'ap-retries-high',
    severity: 'minor',
    bad: radio({ rssi_dbm: -58, retry_pct: 38, clients: 18 }),
    close: [radio({ rssi_dbm: -58, retry_pct: 26, clients: 18 })],
  },
  {
    rule: 'ap-signal-weak',
    bad: radio({ rssi_dbm: -79, clients: 14 }),
    close: [radio({ rssi_dbm: -70, clients: 14 }), radio({ rssi_dbm: -82, clients: 2 })],
  },
  {
    rule: 'ap-radio-crowded',
    bad: radio({ clients: 58 }),
    close: [
      radio({ clients: 44 }),
      // Two radios together.
      reports('ap', { clients: 70 }),
    ],
  },
  {
    rule: 'ap-no-clients',
    // Its radio stops on Tuesday of the second week.
    bad: several('ap', 5, (n, minute) => ({ clients: n === 1 && minute > 8 * 1440 ? 0 : 14 + n }), twoWeeks),
    close: [
      // A trip for a day, and a store room.
      several(
        'ap',
        5,
        (n, minute) => ({
          clients: n === 2 || (n === 1 && minute > 8 * 1440 && minute < 8 * 1440 + 600) ? 0 : 14 + n,
        }),
        twoWeeks,
      ),
    ],
  },
  {
    rule: 'ap-unlike-floor',
    bad: several('ap', 5, (n) => ({ assoc_fail_pct: n === 1 ? 45 : 2, auth_fail_pct: 2, clients: 9 })),
    close: [
      several('ap', 5, (n) => ({ assoc_fail_pct: n === 1 ? 45 : 30, auth_fail_pct: 2, clients: 9 })),
      // One phone with an old password, at work and all alone.
      several('ap', 5, (n) => ({
        assoc_fail_pct: n === 1 ? 45 : 2,
        auth_fail_pct: n === 1 ? 60 : 2,
        clients: 9,
      })),
      several('ap', 5, (n) => ({ assoc_fail_pct: n === 1 ? 90 : 2, clients: n === 1 ? 1 : 9 })),
    ],
  },
  {
    // A device that reports no logins.
    rule: 'ap-unlike-floor',
    bad: several('ap', 5, (n) => ({ assoc_fail_pct: n === 1 ? 45 : 2, clients: 9 })),
    close: [several('ap', 5, () => ({ assoc_fail_pct: 2, clients: 9 }))],
  },
  {
    rule: 'ap-radar-often',
    bad: events('ap', 'radar', [10, 90, 200], { m: { clients: 12 } }),
    close: [events('ap', 'radar', [10, 200], { m: { clients: 12 } })],
  },
  {
    rule: 'ap-radar-not-back',
    bad: {
      ...events('ap', 'radar', [60]),
      tell: (minute) => [
        ...(minute === 60 ? [{ event: 'radar' }] : []),
        { m: { clients: minute < 60 ? 20 : 0 } },
      ],
    },
    close: [
      // DFS at work: back after two minutes.
      {
        ...events('ap', 'radar', [60]),
        tell: (minute) => [
          ...(minute === 60 ? [{ event: 'radar' }] : []),
          { m: { clients: minute >= 60 && minute < 62 ? 0 : 20 } },
        ],
      },
      events('ap', 'radar', [60], { m: { clients: 0 }, phase: 'night' }),
    ],
  },
];
