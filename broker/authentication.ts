import type { Client } from 'aedes';
import { findSecret } from '../devices/credential.js';
import type { KnownDevice } from '../devices/credential.js';
import { badUserNameOrPassword, ConnectRefusal, notAuthorized } from './connect-refusal.js';
import type { ClientCertificate } from './listeners/client-certificate.js';
import { openSession } from './session.js';
import type { DeviceGrounds, Session } from './session.js';

/** Who says to be whom, and by what it can be known. */
export interface ConnectAttempt {
  readonly client: Pick<Client, 'id'>;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  /** Where one was shown whose issuer and key are verified. */
  readonly certificate: ClientCertificate | undefined;
}

/**
 * Checks who connects: user name and client id are the device's id, and the password is its secret or a
 * verified certificate stands in for it.
 * @returns the session of a device that is who it says it is
 * @throws ConnectRefusal with the return code the client gets, and why, for our log; and what `find` throws
 */
export async function authenticateDevice(
  { client, username, password, certificate }: ConnectAttempt,
  find: (device: string) => Promise<KnownDevice | undefined>,
  shards: number,
  now: number,
): Promise<Session> {
  const id = certificate?.device ?? username;
  if (id === undefined || id === '' || (certificate === undefined && password === undefined)) {
    throw new ConnectRefusal(badUserNameOrPassword, 'no_password', 'no user name or password');
  }
  const known = await find(id);
  // Secrets end by the wall clock, as certificates do, whatever clock the pipeline runs on.
  const secret = findSecret(known?.credentials, password ?? '', Date.now());
  const proof = certificate ?? (secret && { secretHash: secret.hash });
  // The reasons are for us: who connects hears the same of a device that is not there and of a wrong password.
  if (known === undefined) {
    throw new ConnectRefusal(badUserNameOrPassword, 'unknown_device', `no device "${id}" is registered`);
  }
  if (known.credentials?.revokedAt !== undefined) {
    // Its passwords are forgotten: whether this was one of them can't be told any more.
    const returnCode = proof === undefined ? badUserNameOrPassword : notAuthorized;
    throw new ConnectRefusal(returnCode, 'revoked', 'the device is revoked');
  }
  if (proof === undefined) {
    throw new ConnectRefusal(badUserNameOrPassword, 'wrong_password', 'wrong password');
  }
  const fault = certificate && faultOf(certificate, known, Date.now());
  if (fault !== undefined) throw new ConnectRefusal(notAuthorized, 'certificate', fault);
  if (client.id !== known.device.id) {
    throw new ConnectRefusal(notAuthorized, 'wrong_client_id', 'the client id is not the device id');
  }
  if (username !== undefined && username !== known.device.id) {
    throw new ConnectRefusal(notAuthorized, 'wrong_client_id', 'the user name is not the device id');
  }
  return openSession(known.device, {
    shards,
    now,
    proof,
  });
}

/**
 * Why a connection may not go on, by what is now known of its device; undefined while it may.
 * @param now wall time, epoch ms
 */
export function reasonToDrop(
  grounds: DeviceGrounds,
  known: KnownDevice | undefined,
  now: number,
): string | undefined {
  if (known === undefined) return 'the device is no longer registered';
  const { device, credentials } = known;
  if (device.site !== grounds.site) return 'the device now belongs to another site';
  if (device.deviceClass !== grounds.deviceClass) return 'the device is now of another class';
  if (credentials?.revokedAt !== undefined) return 'the device is revoked';
  const { proof } = grounds;
  if (!('secretHash' in proof)) return faultOf(proof, known, now);
  const secret = credentials?.secrets.find(({ hash }) => hash === proof.secretHash);
  if (secret === undefined) return 'its password was replaced';
  return secret.until !== undefined && secret.until <= now ? 'its earlier password has ended' : undefined;
}

/** What ends a certificate after its issue; a resumed TLS session doesn't look at its time again. */
function faultOf(
  { serial, notBefore, notAfter }: ClientCertificate,
  { revokedCertificates: { serials, issuedBefore } }: KnownDevice,
  now: number,
): string | undefined {
  if (serials.includes(serial)) return 'its certificate is revoked';
  if (issuedBefore !== undefined && notBefore < wholeSecond(issuedBefore)) {
    return 'its certificate was issued before the device was revoked';
  }
  return now >= notAfter ? 'its certificate has expired' : undefined;
}

/** A certificate tells no parts of a second: one that is issued right after a revocation is to be taken. */
function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
