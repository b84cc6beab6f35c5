import { Redis } from 'ioredis';
import { createSecret, hashSecret, withNewSecret } from '../../devices/credential.js';
import type { Device } from '../../devices/device.js';
import { topicPrefix } from '../../devices/topic.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { PublishOrder } from './publisher.js';

const atOnce = 1000;

/** Registers so many sensors of 100 sites with their passwords, in bulk: one by one would take minutes. */
export async function registerDevices(redisUrl: string, count: number): Promise<PublishOrder['devices']> {
  const redis = new Redis(redisUrl);
  const accounts = [];
  for (let first = 0; first < count; first += atOnce) {
    const devices: Record<string, string> = {};
    const credentials: Record<string, string> = {};
    for (let i = first; i < Math.min(count, first + atOnce); i++) {
      const device: Device = { id: `bench-${i}`, site: `site-${i % 100}`, deviceClass: 'sensor', room: 'r1' };
      const password = createSecret();
      devices[device.id] = JSON.stringify(device);
      credentials[device.id] = JSON.stringify(withNewSecret(undefined, hashSecret(password), Date.now()));
      const topic = `${topicPrefix(device.site, device.deviceClass, device.id)}telemetry`;
      accounts.push({ clientId: device.id, password, topic });
    }
    await redis.hset(redisKeys.devices, devices);
    await redis.hset(redisKeys.credentials, credentials);
  }
  redis.disconnect();
  return accounts;
}
