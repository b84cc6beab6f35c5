import { isGlobal } from './clients.js';

/** Lists of people's devices: phones and laptops of pupils and teachers. */
const clientLists = new Set(['associations', 'clients', 'ipv6_leases', 'leases', 'mesh-path']);
/** What of such a device may stay: measurements, and that it has addresses. All else could say whose it is. */
const measurements = new Set(['rssi', 'tx_packets', 'tx_retries', 'connected', 'inactive']);

/**
 * A state without whose devices are connected. MAC addresses are personal data (PIPL), so that they must not
 * get as far as the log or the quarantine; an IP address is replaced by one of its kind.
 */
export function withoutClients(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutClients);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (!clientLists.has(name)) return [name, withoutClients(inner)];
      return [name, Array.isArray(inner) ? inner.map(anonymous) : []];
    }),
  );
}

function anonymous(client: unknown): Record<string, unknown> {
  if (typeof client !== 'object' || client === null) return {};
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(client)) {
    if (measurements.has(name) && typeof value === 'number') kept[name] = value;
    else if (name === 'ipv4_addresses' && Array.isArray(value)) kept[name] = value.map(() => '0.0.0.0');
    else if (name === 'ipv6_addresses' && Array.isArray(value)) {
      kept[name] = value.map((address) => (isGlobal(String(address)) ? '2001:db8::' : 'fe80::'));
    }
  }
  return kept;
}
