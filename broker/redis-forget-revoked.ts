import { setTimeout as sleep } from 'node:timers/promises';
import { findKnownDevices } from '../devices/redis-credentials.js';
import { forgetRetained } from '../devices/redis-forget-retained.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { Session } from './session.js';

const lookMs = 50;

/**
 * To be called when a session was ended by us: of a device that is revoked, removed or moved nothing stays retained
 * that was still on its way into the log when that became known.
 */
export async function forgetIfRevoked(redis: Redis, session: Session): Promise<void> {
  const { device, client } = session;
  if (device === undefined) return;
  while (session.inFlight > 0) await sleep(lookMs);
  const [known] = await findKnownDevices(redis, [client]);
  const isStill = known?.device.site === device.site && known.device.deviceClass === device.deviceClass;
  if (isStill && known.credentials?.revokedAt === undefined) return;
  await forgetRetained(redis, [{ id: client, ...device }]);
}
