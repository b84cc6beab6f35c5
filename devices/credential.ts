import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A device's secret is 192 random bits, so one salted SHA-256 keeps it as safe as a slow hash would, and
 * 17,200 devices can reconnect within a minute on two cores.
 */
export function createSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** `salt:hash`, to be stored instead of the secret. */
export function hashSecret(secret: string): string {
  const salt = randomBytes(12).toString('base64url');
  return `${salt}:${digest(salt, secret).toString('base64url')}`;
}

/** Whether the secret is the one that was hashed; takes the same time whether or not it is. */
export function secretMatches(hashed: string, secret: Buffer | string): boolean {
  const [salt = '', hash = ''] = hashed.split(':');
  const expected = Buffer.from(hash, 'base64url');
  const actual = digest(salt, secret);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function digest(salt: string, secret: Buffer | string): Buffer {
  return createHash('sha256').update(salt).update(secret).digest();
}
