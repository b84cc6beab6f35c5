import { findKnownDevices } from '../devices/redis-credentials.js';
import type { Twin } from '../devices/redis-twin.js';
import type { Redis } from '../runtime/redis-connection.js';

/** Why a command can't reach a device just now, to follow its name in a sentence; undefined when it can. */
export async function whyItWaits(redis: Redis, { device, contact }: Twin): Promise<string | undefined> {
  const [known] = await findKnownDevices(redis, [device.id]);
  if (known?.credentials?.revokedAt !== undefined)
    return 'is revoked and can not connect before "campus devices issue" lets it in again';
  return contact?.connected === true ? undefined : 'has no connection now';
}
