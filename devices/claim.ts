import { z } from 'zod';
import { createSecret, hashSecret, secretMatches } from './credential.js';
import type { KnownDevice } from './credential.js';
import type { DeviceClass } from './device-class.js';
import { idPattern } from './topic.js';

/** The stream a device asks for its own credentials on, and the one it gets them on. */
export const claimStream = 'claim';
export const claimedStream = 'claimed';

/** A site's claim token as it is kept. Times are wall time, epoch ms. */
export interface ClaimToken {
  readonly id: string;
  readonly site: string;
  /** The result of `hashSecret`. */
  readonly hash: string;
  readonly issuedAt: number;
  readonly until: number;
  /** Devices that it can be used for, and those it was used for so far. */
  readonly uses: number;
  readonly used: number;
  /** Claims that were refused and may have been guesses. @defaultValue 0 */
  readonly guesses?: number | undefined;
}

/** A token with which this often something was tried that may have been a guess ends. */
export const mostGuesses = 20;

/** What a device says of itself when it claims its credentials. */
export interface ClaimRequest {
  readonly serial: string;
  readonly model?: string | undefined;
  readonly room?: string | undefined;
}

/** Why a claim is refused. */
export type ClaimError =
  | 'bad_claim'
  | 'token_ended'
  | 'token_used_up'
  | 'device_elsewhere'
  | 'other_class'
  | 'other_serial'
  | 'has_password'
  | 'revoked';

export interface ClaimRefusal {
  readonly error: ClaimError;
  /** One sentence for the installer: what is wrong and what to do. */
  readonly detail: string;
}

/** `claim.{id}.{secret}`: says what it is, and which one, so that one look-up finds what to check it against. */
const tokenPattern = /^claim\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{32})$/;

/** A new token: what the installer gets, and what is kept of it. */
export function createClaimToken(wanted: Pick<ClaimToken, 'site' | 'issuedAt' | 'until' | 'uses'>): {
  readonly text: string;
  readonly kept: ClaimToken;
} {
  const id = createSecret().slice(0, 8);
  const secret = createSecret();
  return { text: `claim.${id}.${secret}`, kept: { id, ...wanted, hash: hashSecret(secret), used: 0 } };
}

/** The id in the text of a token; undefined: it is no token, but perhaps a device's password. */
export function tokenIdOf(text: string): string | undefined {
  return tokenPattern.exec(text)?.[1];
}

/** Whether the text is that of the token, and the token can still be used. */
export function tokenMatches(token: ClaimToken, text: string, now: number): boolean {
  const secret = tokenPattern.exec(text)?.[2];
  return now < token.until && secret !== undefined && secretMatches(token.hash, secret);
}

// One line of what can be printed, as it stands on a type plate.
const plate = (length: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(length)
    .regex(/^\P{C}*$/u);
const requestSchema = z.object({
  serial: plate(64),
  model: plate(128).optional(),
  room: z.string().regex(idPattern, 'is no room id').optional(),
});

/** Reads what a device sent to claim its credentials: JSON, or what was JSON. */
export function parseClaimRequest(body: unknown): ClaimRequest | ClaimRefusal {
  const { data, error } = requestSchema.safeParse(body);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  return {
    error: 'bad_claim',
    detail: `A claim is {"serial":"…","model":"…","room":"…"}; ${where} ${issue?.message ?? ''}`.trimEnd(),
  };
}

/**
 * Decides whether a device may have credentials of its own: it is new, or it is the one it was before (same
 * serial number), and it is nobody else's.
 * @param token undefined: it is gone
 * @returns whether it is one use more of the token, or why not
 */
export function decideClaim(
  token: ClaimToken | undefined,
  wanted: { readonly device: string; readonly deviceClass: DeviceClass; readonly serial: string },
  known: KnownDevice | undefined,
  now: number,
): { readonly newUse: boolean } | ClaimRefusal {
  if (token === undefined || now >= token.until) {
    return refusal('token_ended', 'The claim token has ended; ask for a new one.');
  }
  const { device: id, deviceClass, serial } = wanted;
  if (known !== undefined) {
    const { device, credentials } = known;
    if (device.site !== token.site) {
      return refusal('device_elsewhere', `Device "${id}" belongs to another site; choose another id.`);
    }
    if (device.deviceClass !== deviceClass) {
      return refusal('other_class', `Device "${id}" is registered as ${device.deviceClass}.`);
    }
    if (credentials?.revokedAt !== undefined) {
      return refusal('revoked', `Device "${id}" is revoked; ask for "campus devices issue".`);
    }
    if (device.serial !== undefined && device.serial !== serial) {
      return refusal('other_serial', `Device "${id}" has another serial number; choose another id.`);
    }
    if (device.serial === undefined && credentials !== undefined) {
      const what = credentials.secrets.length > 0 ? 'was given a password by hand' : 'has a certificate';
      return refusal('has_password', `Device "${id}" ${what}; choose another id.`);
    }
  }
  const again = known?.device.serial === serial && known.credentials !== undefined;
  if (!again && token.used >= token.uses) {
    return refusal('token_used_up', `The claim token was for ${token.uses} devices; ask for a new one.`);
  }
  return { newUse: !again };
}

/** Whether the refusal tells somebody who tries ids and serial numbers that another try may succeed. */
export function mayBeGuess({ error }: ClaimRefusal): boolean {
  return error === 'other_serial' || error === 'has_password' || error === 'device_elsewhere';
}

export function isClaimRefusal(decided: object): decided is ClaimRefusal {
  return 'error' in decided;
}

function refusal(error: ClaimError, detail: string): ClaimRefusal {
  return { error, detail };
}
