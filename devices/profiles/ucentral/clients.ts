import type { ApState } from './state-schema.js';

/**
 * How many clients there are, and how many have an IPv4 and a global IPv6 address. Associated clients count;
 * their addresses are among those of the network's neighbours.
 */
export function countClients({ interfaces }: ApState): Record<string, number | undefined> {
  const wireless = interfaces.filter(({ ssids }) => ssids.length > 0);
  if (wireless.length === 0) return {};
  const clients = wireless
    .flatMap(({ ssids }) => ssids)
    .filter(({ mode }) => mode === undefined || mode === 'ap')
    .reduce((count, { associations }) => count + associations.length, 0);
  const neighbours = wireless.flatMap((network) => network.clients);
  if (neighbours.length === 0) return { clients };
  // Neighbours on wires are among them, so that there can be more of them than are associated.
  const count = (has: (neighbour: (typeof neighbours)[number]) => boolean) =>
    Math.min(clients, neighbours.filter(has).length);
  return {
    clients,
    clients_ipv4: count((neighbour) => neighbour.ipv4_addresses.length > 0),
    clients_ipv6: count((neighbour) => neighbour.ipv6_addresses.some(isGlobal)),
  };
}

/** RFC 4291: of the unicast space, 2000::/3 is what is routed; fe80::/10 and fc00::/7 are local. */
export function isGlobal(address: string): boolean {
  return /^[23][0-9a-f]{3}:/i.test(address);
}
