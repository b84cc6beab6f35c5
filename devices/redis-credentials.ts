import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import type { AuditEvent } from './audit.js';
import { createSecret, hashSecret, withNewSecret } from './credential.js';
import type { Credentials, KeptCredentials, KnownDevice } from './credential.js';
import { parseRevoked, planRevocation } from './redis-certificates.js';
import { forgetRetained } from './redis-forget-retained.js';
import { decideAndCommit } from './redis-registry-changes.js';
import type { DecidedChange } from './redis-registry-changes.js';
import { asRead, planRegistration } from './redis-registry.js';
import type { NewDevice } from './redis-registry.js';
import type { Device } from './device.js';
import { topicPrefix } from './topic.js';

/**
 * Registers the device (and its site, where new) and issues a new secret, valid at once; earlier secrets
 * stop being so, and connections made with them are closed. A certificate that was revoked stays so.
 * @throws AppError as `registerDevice`
 */
export async function issueCredentials(
  redis: Redis,
  wanted: NewDevice,
  by = 'pipeline',
): Promise<Credentials> {
  const password = createSecret();
  const kept = withNewSecret(undefined, hashSecret(password), Date.now());
  return decideAndCommit(redis, async () => {
    const { changes, read, write, audit = [], outcome: device } = await planRegistration(redis, wanted, by);
    return {
      changes: [...changes, { kind: 'credentials', id: device.id }],
      read,
      write: [...write, [redisKeys.credentials, device.id, JSON.stringify(kept)]],
      audit: [...audit, about('credentials.issued', device.id, by)],
      outcome: toCredentials(device, password),
    };
  });
}

/**
 * Issues a new secret for a device that has one; earlier ones stay valid for `overlapMs` (wall time) at most.
 * @throws AppError `unknown_device`; `revoked` when there is nothing to rotate
 */
export async function rotateCredentials(
  redis: Redis,
  id: string,
  overlapMs: number,
  by = 'pipeline',
): Promise<{ readonly credentials: Credentials; readonly kept: KeptCredentials }> {
  return decideAndCommit(redis, async () => {
    const { device, credentials } = await findKnown(redis, id);
    if (credentials === undefined || credentials.secrets.length === 0) {
      throw new AppError(
        'revoked',
        `Device "${id}" has no password that could be rotated: use "campus devices issue".`,
      );
    }
    const password = createSecret();
    const kept = withNewSecret(credentials, hashSecret(password), Date.now(), overlapMs);
    return {
      changes: [{ kind: 'credentials', id }],
      read: [[redisKeys.credentials, id, JSON.stringify(credentials)]],
      write: [[redisKeys.credentials, id, JSON.stringify(kept)]],
      audit: [about('credentials.rotated', id, by)],
      outcome: { credentials: toCredentials(device, password), kept },
    };
  });
}

/**
 * Keeps in mind that a device has a certificate, where it has nothing else: nobody may claim a password for it.
 * Of no effect for one that is not registered.
 */
export async function keepCertified(redis: Redis, id: string, by = 'pipeline'): Promise<void> {
  await decideAndCommit(redis, async (): Promise<DecidedChange<undefined>> => {
    const [device, credentials] = await Promise.all([
      redis.hget(redisKeys.devices, id),
      redis.hexists(redisKeys.credentials, id),
    ]);
    const nothing: KeptCredentials = { secrets: [] };
    return {
      changes: [{ kind: 'credentials', id }],
      read: [asRead(redisKeys.devices, id, device), [redisKeys.credentials, id]],
      write:
        device === null || credentials === 1 ? [] : [[redisKeys.credentials, id, JSON.stringify(nothing)]],
      audit: [about('credentials.certified', id, by)],
      outcome: undefined,
    };
  });
}

/**
 * Ends all that a device has at once, and its claim to a new password until somebody issues one; its connections
 * are closed, and what is retained of it is forgotten. Certificates issued until now are not taken again, whatever becomes of the device.
 * @throws AppError `unknown_device`
 */
export async function revokeCredentials(redis: Redis, id: string, by = 'pipeline'): Promise<void> {
  const revokedAt = Date.now();
  const device = await decideAndCommit(redis, async () => {
    const known = await findKnown(redis, id);
    const { read, write } = await planRevocation(redis, id, { serials: [], issuedBefore: revokedAt });
    const credentials: KeptCredentials = { secrets: [], revokedAt };
    return {
      changes: [{ kind: 'credentials', id }],
      read,
      write: [...write, [redisKeys.credentials, id, JSON.stringify(credentials)]],
      audit: [about('credentials.revoked', id, by)],
      outcome: known.device,
    };
  });
  await forgetRetained(redis, [device]);
}

/**
 * The devices with these ids, in that order, with what their secrets are checked against: one round trip.
 * @throws AppError `bad_record` when what is kept of one of them can't be read
 */
export async function findKnownDevices(
  redis: Redis,
  ids: readonly string[],
): Promise<(KnownDevice | undefined)[]> {
  const found = await tryKnownDevices(redis, ids);
  return found.map((known) => {
    if (known instanceof AppError) throw known;
    return known;
  });
}

/** As `findKnownDevices`; of a device that can't be read, the error, so that it does no harm to the others. */
export async function tryKnownDevices(
  redis: Redis,
  ids: readonly string[],
): Promise<(KnownDevice | AppError | undefined)[]> {
  if (ids.length === 0) return [];
  const [devices, credentials, revoked] = await Promise.all([
    redis.hmget(redisKeys.devices, ...ids),
    redis.hmget(redisKeys.credentials, ...ids),
    redis.hmget(redisKeys.revokedCertificates, ...ids),
  ]);
  return devices.map((device, i) => {
    try {
      return toKnown(device, credentials[i], revoked[i]);
    } catch (cause) {
      const what = `What Redis keeps of device "${ids[i] ?? ''}" can't be read`;
      return new AppError('bad_record', `${what}: remove the device and register it again.`, { cause });
    }
  });
}

/** All devices, by id. */
export async function listKnownDevices(redis: Redis): Promise<KnownDevice[]> {
  const [devices, credentials, revoked] = await Promise.all([
    redis.hgetall(redisKeys.devices),
    redis.hgetall(redisKeys.credentials),
    redis.hgetall(redisKeys.revokedCertificates),
  ]);
  const ids = Object.keys(devices).sort();
  return ids
    .map((id) => toKnown(devices[id], credentials[id], revoked[id]))
    .filter((known) => known !== undefined);
}

/** @throws AppError `unknown_device` */
export async function findKnown(redis: Redis, id: string): Promise<KnownDevice> {
  const [known] = await findKnownDevices(redis, [id]);
  if (known === undefined) {
    throw new AppError('unknown_device', `Device "${id}" is not registered; see "campus devices list".`);
  }
  return known;
}

function about(what: `credentials.${string}`, device: string, by: string): AuditEvent {
  return { at: Date.now(), by, what, id: device, device };
}

interface Question {
  readonly id: string;
  readonly resolve: (known: KnownDevice | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Looks up devices and their credentials for CONNECTs. All that ask while others are being looked up share the
 * next round trip, so that a city that comes back at once doesn't queue for its registry.
 */
export class DeviceLookup {
  readonly #redis: Redis;
  #asked: Question[] = [];
  #asking = false;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** @returns undefined for a device that isn't registered */
  find(id: string): Promise<KnownDevice | undefined> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ id, resolve, reject });
      if (this.#asking) return;
      this.#asking = true;
      setImmediate(() => void this.#askAll());
    });
  }

  /** One question to Redis at a time: while it hangs, a city that reconnects must not fill the memory. */
  async #askAll(): Promise<void> {
    while (this.#asked.length > 0) {
      const asked = this.#asked.splice(0);
      try {
        const found = await tryKnownDevices(
          this.#redis,
          asked.map(({ id }) => id),
        );
        asked.forEach(({ resolve, reject }, i) => {
          const known = found[i];
          if (known instanceof AppError) reject(known);
          else resolve(known);
        });
      } catch (error) {
        // Who came meanwhile has waited for the same answer.
        for (const { reject } of [...asked, ...this.#asked.splice(0)]) reject(error);
      }
    }
    this.#asking = false;
  }
}

export function toCredentials({ id, site, deviceClass }: Device, password: string): Credentials {
  return { clientId: id, username: id, password, topicPrefix: topicPrefix(site, deviceClass, id) };
}

function toKnown(
  device: string | null | undefined,
  kept: string | null | undefined,
  revoked: string | null | undefined,
): KnownDevice | undefined {
  if (typeof device !== 'string') return undefined;
  return {
    device: JSON.parse(device) as Device,
    credentials: typeof kept === 'string' ? (JSON.parse(kept) as KeptCredentials) : undefined,
    revokedCertificates: parseRevoked(revoked),
  };
}
