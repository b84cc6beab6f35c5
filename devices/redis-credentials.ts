import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { createSecret, hashSecret, withNewSecret } from './credential.js';
import type { Credentials, KeptCredentials } from './credential.js';
import { commitChanges } from './redis-registry-changes.js';
import { registerDevice } from './redis-registry.js';
import type { NewDevice } from './redis-registry.js';
import type { Device } from './site.js';
import { topicPrefix } from './topic.js';

/** What a CONNECT is checked against. */
export interface KnownDevice {
  readonly device: Device;
  readonly credentials: KeptCredentials;
}

/**
 * Registers the device (and its site, where new) and issues a new secret, valid at once; an earlier
 * secret stops being so.
 * @throws AppError as `registerDevice`
 */
export async function issueCredentials(redis: Redis, wanted: NewDevice): Promise<Credentials> {
  const { id, site, deviceClass } = await registerDevice(redis, wanted);
  const password = createSecret();
  const kept = withNewSecret(undefined, hashSecret(password), Date.now());
  await commitChanges(redis, [{ kind: 'credentials', id }], (multi) => {
    multi.hset(redisKeys.credentials, id, JSON.stringify(kept));
  });
  return { clientId: id, username: id, password, topicPrefix: topicPrefix(site, deviceClass, id) };
}

interface Question {
  readonly id: string;
  readonly resolve: (known: KnownDevice | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Looks up devices and their credentials for CONNECTs. All that ask in one turn of the event loop share one
 * round trip to Redis, so that a city that comes back at once doesn't queue for its registry.
 */
export class DeviceLookup {
  readonly #redis: Redis;
  #asked: Question[] = [];

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** @returns undefined for a device that isn't registered */
  find(id: string): Promise<KnownDevice | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#asked.push({ id, resolve, reject }) === 1) setImmediate(() => void this.#ask());
    });
  }

  async #ask(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    const ids = asked.map(({ id }) => id);
    try {
      const [devices, credentials] = await Promise.all([
        this.#redis.hmget(redisKeys.devices, ...ids),
        this.#redis.hmget(redisKeys.credentials, ...ids),
      ]);
      asked.forEach(({ resolve }, i) => resolve(toKnown(devices[i], credentials[i])));
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function toKnown(device: string | null | undefined, credentials: string | null | undefined) {
  if (typeof device !== 'string') return undefined;
  return {
    device: JSON.parse(device) as Device,
    credentials:
      typeof credentials === 'string' ? (JSON.parse(credentials) as KeptCredentials) : { secrets: [] },
  };
}
