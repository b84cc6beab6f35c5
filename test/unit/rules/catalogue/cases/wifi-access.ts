import type { CatalogueCase } from '../catalogue-case.js';
import { events, several } from '../story.js';

const aps = (metrics: Parameters<typeof several>[2]) => several('ap', 5, metrics);
/** Clients of an access point, and how many of them have an IPv6 address. */
const clients = (all: number, withV6: number) => ({ clients: all, clients_ipv4: all, clients_ipv6: withV6 });

export const wifiAccessCases: readonly CatalogueCase[] = [
  {
    rule: 'site-auth-failing',
    severity: 'major',
    bad: aps((n) => ({ auth_fail_pct: n <= 3 ? 70 : 4 })),
    close: [
      aps((n) => ({ auth_fail_pct: n === 1 ? 90 : 4 })),
      aps((_, minute) => ({ auth_fail_pct: [20, 21, 22].includes(minute % 60) ? 60 : 4 })),
    ],
  },
  {
    rule: 'site-dhcp-failing',
    severity: 'major',
    bad: aps(() => ({ assoc_fail_pct: 1, dhcp_fail_pct: 60 })),
    close: [
      // Clients don't even join: DHCP is not the cause.
      aps(() => ({ assoc_fail_pct: 15, dhcp_fail_pct: 60 })),
      aps(() => ({ assoc_fail_pct: 1, dhcp_fail_pct: 8 })),
      // A learning point with one access point knows nothing of "all over the school".
      several('ap', 1, () => ({ assoc_fail_pct: 1, dhcp_fail_pct: 60 })),
    ],
  },
  {
    rule: 'ap-dhcp-failing',
    bad: aps((n) => ({ assoc_fail_pct: 1, dhcp_fail_pct: n === 1 ? 95 : 1 })),
    close: [aps((n) => ({ assoc_fail_pct: 1, dhcp_fail_pct: n === 1 ? 15 : 1 }))],
  },
  {
    rule: 'site-dhcpv6-dead',
    bad: aps(() => ({ dhcp_fail_pct: 1, dhcpv6_fail_pct: 96 })),
    close: [
      aps((n) => ({ dhcp_fail_pct: 1, dhcpv6_fail_pct: n === 1 ? 96 : 5 })),
      several('ap', 1, () => ({ dhcp_fail_pct: 1, dhcpv6_fail_pct: 96 })),
    ],
  },
  {
    rule: 'site-ra-lost',
    bad: aps((_, minute) => ({ ra_age_s: minute * 60 })),
    close: [
      aps((_, minute) => ({ ra_age_s: (minute % 15) * 60 })),
      several('ap', 1, (_, minute) => ({ ra_age_s: minute * 60 })),
    ],
  },
  {
    rule: 'rogue-ra',
    severity: 'major',
    bad: aps((n) => ({ ra_sources: n === 1 ? 2 : 1 })),
    close: [
      aps(() => ({ ra_sources: 1 })),
      // A router is replaced: both are heard for two minutes.
      aps((_, minute) => ({ ra_sources: minute === 30 || minute === 31 ? 2 : 1 })),
    ],
  },
  {
    rule: 'rogue-ra',
    bad: events('ap', 'rogue_ra', [30]),
    close: [events('ap', 'reboot', [30])],
  },
  {
    rule: 'site-ipv6-share-low',
    bad: aps(() => clients(30, 12)),
    close: [
      aps(() => clients(30, 27)),
      aps(() => clients(6, 0)),
      // One old tablet trolley.
      aps((n) => clients(30, n === 1 ? 25 : 28)),
    ],
  },
  {
    rule: 'ap-ipv6-share-low',
    bad: aps((n) => clients(30, n === 1 ? 3 : 28)),
    close: [aps((n) => clients(n === 1 ? 6 : 30, n === 1 ? 0 : 28))],
  },
  {
    rule: 'ap-dns-failing',
    bad: aps((n) => ({ dns_fail_pct: n === 1 ? 30 : 0.5 })),
    // All of them: that is the school's, and its gateway tells it.
    close: [aps(() => ({ dns_fail_pct: 30 })), aps((n) => ({ dns_fail_pct: n === 1 ? 4 : 0.5 }))],
  },
  {
    rule: 'deauth-burst',
    bad: events('ap', 'deauth_burst', [30, 34]),
    close: [events('ap', 'deauth_burst', [30, 90, 150])],
  },
  {
    rule: 'rogue-ap',
    bad: events('ap', 'rogue_ap', [30]),
    close: [events('ap', 'channel_change', [30])],
  },
];
