import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { decideAndCommit } from './redis-registry-changes.js';

/**
 * Ends certificates by their serial numbers for good, also when the device is removed and registered again;
 * connections made with them are closed.
 */
export async function revokeCertificates(
  redis: Redis,
  device: string,
  serials: readonly string[],
): Promise<void> {
  await decideAndCommit(redis, async () => {
    const json = await redis.hget(redisKeys.revokedCertificates, device);
    const all = new Set([...parseSerials(json), ...serials]);
    const key = redisKeys.revokedCertificates;
    return {
      changes: [{ kind: 'credentials', id: device }],
      read: [json === null ? [key, device] : [key, device, json]],
      write: [[key, device, JSON.stringify([...all])]],
      outcome: undefined,
    };
  });
}

/** The serial numbers kept of a device. */
export function parseSerials(json: string | null | undefined): readonly string[] {
  return typeof json === 'string' ? (JSON.parse(json) as string[]) : [];
}
