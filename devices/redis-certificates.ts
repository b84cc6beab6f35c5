import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { RevokedCertificates } from './credential.js';
import { decideAndCommit } from './redis-registry-changes.js';
import type { HashValue } from './redis-registry-changes.js';

/**
 * Ends certificates by their serial numbers for good, also when the device is removed and registered again;
 * connections made with them are closed.
 */
export async function revokeCertificates(
  redis: Redis,
  device: string,
  serials: readonly string[],
  by = 'pipeline',
): Promise<void> {
  await decideAndCommit(redis, async () => ({
    changes: [{ kind: 'credentials', id: device }],
    ...(await planRevocation(redis, device, { serials })),
    audit: [{ at: Date.now(), by, what: 'certificate.revoked', id: device, device, after: serials }],
    outcome: undefined,
  }));
}

/** What has to be read and written so that these are not taken any more, beside those that are not already. */
export async function planRevocation(
  redis: Redis,
  device: string,
  more: RevokedCertificates,
): Promise<{ readonly read: readonly HashValue[]; readonly write: readonly HashValue[] }> {
  const key = redisKeys.revokedCertificates;
  const json = await redis.hget(key, device);
  const known = parseRevoked(json);
  const all: RevokedCertificates = {
    serials: [...new Set([...known.serials, ...more.serials])],
    issuedBefore: more.issuedBefore ?? known.issuedBefore,
  };
  return {
    read: [json === null ? [key, device] : [key, device, json]],
    write: [[key, device, JSON.stringify(all)]],
  };
}

/** What is kept of a device's certificates. */
export function parseRevoked(json: string | null | undefined): RevokedCertificates {
  if (typeof json !== 'string') return { serials: [] };
  const kept = JSON.parse(json) as RevokedCertificates | readonly string[];
  // Until a revoked device had a time, there were only serial numbers.
  return 'serials' in kept ? kept : { serials: kept };
}
