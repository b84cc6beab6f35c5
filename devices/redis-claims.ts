import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { createClaimToken, decideClaim, isClaimRefusal, mayBeGuess, mostGuesses } from './claim.js';
import type { ClaimRefusal, ClaimRequest, ClaimToken } from './claim.js';
import { createSecret, hashSecret, withNewSecret } from './credential.js';
import type { Credentials } from './credential.js';
import type { DeviceClass } from './device-class.js';
import { findKnownDevices, toCredentials } from './redis-credentials.js';
import { commitChanges, decideAndCommit } from './redis-registry-changes.js';
import type { DecidedChange, HashValue } from './redis-registry-changes.js';
import { asRead, newRoom } from './redis-registry.js';
import { roomKey } from './room.js';
import { unassigned } from './site.js';
import type { Device } from './device.js';

const keptClaims = 100_000;
const keptWrongClaims = 1000;

/** A device that claims its credentials, with where it does so from. */
export interface Claim {
  /** What `parseClaimRequest` made of what it sent. */
  readonly request: ClaimRequest | ClaimRefusal;
  readonly tokenId: string;
  readonly device: string;
  readonly deviceClass: DeviceClass;
  /** Where it came from, for the record. */
  readonly address: string;
  readonly via: 'mqtt' | 'http';
}

/**
 * An entry of the record of claims. `outcome` is `claimed`, `claimed_again`, why it was refused, or
 * `too_many_guesses` when that ended the token, or `wrong_token` when there was none.
 */
export interface ClaimRecord {
  readonly at: number;
  readonly device: string;
  readonly site: string;
  readonly deviceClass: string;
  readonly serial: string;
  readonly address: string;
  readonly via: string;
  readonly tokenId: string;
  readonly outcome: string;
}

/**
 * Issues a token with which devices of a site can claim their credentials.
 * @returns its text, which is not kept, and what is
 * @throws AppError `unknown_site`
 */
export async function issueClaimToken(
  redis: Redis,
  { site, validMs, uses }: { readonly site: string; readonly validMs: number; readonly uses: number },
  by = 'pipeline',
): Promise<{ readonly text: string; readonly kept: ClaimToken }> {
  const now = Date.now();
  const token = createClaimToken({ site, issuedAt: now, until: now + validMs, uses });
  const { id } = token.kept;
  return decideAndCommit(redis, async () => {
    const siteJson = await redis.hget(redisKeys.sites, site);
    if (siteJson === null) {
      throw new AppError('unknown_site', `Site "${site}" is not registered: register it first.`);
    }
    const ended = (await listClaimTokens(redis)).filter(({ until }) => until <= now);
    return {
      changes: [{ kind: 'claim_token', id }],
      // A site that is removed takes its tokens along, and none may come after that.
      read: [[redisKeys.sites, site, siteJson]],
      write: [
        [redisKeys.claimTokens, id, JSON.stringify(token.kept)],
        ...ended.map((old): HashValue => [redisKeys.claimTokens, old.id]),
      ],
      audit: [{ at: now, by, what: 'claim_token.issued', id, after: { site, uses, until: now + validMs } }],
      outcome: token,
    };
  });
}

/** Ends a token at once; sessions opened with it are closed. @throws AppError `unknown_token` */
export async function revokeClaimToken(redis: Redis, id: string, by = 'pipeline'): Promise<void> {
  if ((await findClaimToken(redis, id)) === undefined) {
    throw new AppError('unknown_token', `There is no claim token "${id}"; see "campus claims tokens".`);
  }
  await commitChanges(
    redis,
    [{ kind: 'claim_token', id }],
    (multi) => {
      multi.hdel(redisKeys.claimTokens, id);
    },
    [{ at: Date.now(), by, what: 'claim_token.revoked', id }],
  );
}

/** All tokens that can still be used or were issued not long ago, newest first. */
export async function listClaimTokens(redis: Redis): Promise<ClaimToken[]> {
  const rows = await redis.hvals(redisKeys.claimTokens);
  return rows.map((json) => JSON.parse(json) as ClaimToken).sort((a, b) => b.issuedAt - a.issuedAt);
}

export async function findClaimToken(redis: Redis, id: string): Promise<ClaimToken | undefined> {
  const json = await redis.hget(redisKeys.claimTokens, id);
  return json === null ? undefined : (JSON.parse(json) as ClaimToken);
}

/**
 * Gives a device credentials of its own, registering it where it is new, or says why not. Either way it is on
 * record. The caller has checked the token's secret; whether it can still be used is checked here.
 */
export async function claimCredentials(redis: Redis, claim: Claim): Promise<Credentials | ClaimRefusal> {
  const { request } = claim;
  const outcome = isClaimRefusal(request)
    ? request
    : await decideAndCommit(redis, () => decide(redis, claim, request));
  if (isClaimRefusal(outcome)) {
    const token = await findClaimToken(redis, claim.tokenId);
    const fields = toFields(claim, token?.site ?? '', outcome.error);
    await redis.xadd(redisKeys.claims, 'MAXLEN', '~', keptClaims, '*', ...fields);
    if (mayBeGuess(outcome)) await countGuess(redis, claim);
  }
  return outcome;
}

/** One of too many ends the token: who holds it tries ids and serial numbers. */
async function countGuess(redis: Redis, claim: Claim): Promise<void> {
  const { tokenId } = claim;
  await decideAndCommit(redis, async (): Promise<DecidedChange<undefined>> => {
    const token = await findClaimToken(redis, tokenId);
    const now = Date.now();
    if (token === undefined || token.until <= now) {
      return { changes: [], read: [], write: [], outcome: undefined };
    }
    const guesses = (token.guesses ?? 0) + 1;
    const ends = guesses >= mostGuesses;
    const counted: ClaimToken = { ...token, guesses, until: ends ? now : token.until };
    const fields = toFields(claim, token.site, 'too_many_guesses');
    return {
      changes: ends ? [{ kind: 'claim_token', id: tokenId }] : [],
      read: [[redisKeys.claimTokens, tokenId, JSON.stringify(token)]],
      write: [[redisKeys.claimTokens, tokenId, JSON.stringify(counted)]],
      append: ends ? [{ stream: redisKeys.claims, keep: keptClaims, fields }] : [],
      outcome: undefined,
    };
  });
}

/** Puts on record that somebody came with a token that there is not, or that has ended. */
export async function recordWrongToken(
  redis: Redis,
  tried: Pick<ClaimRecord, 'device' | 'deviceClass' | 'address' | 'tokenId'> & Pick<Claim, 'via'>,
): Promise<void> {
  const record: ClaimRecord = { at: Date.now(), site: '', serial: '', ...tried, outcome: 'wrong_token' };
  const fields = Object.entries(record).flatMap(([name, value]) => [name, String(value).slice(0, 64)]);
  await redis.xadd(redisKeys.wrongClaims, 'MAXLEN', '~', keptWrongClaims, '*', ...fields);
}

/** The newest entries of the record of claims. */
export async function listClaims(redis: Redis, count: number): Promise<ClaimRecord[]> {
  const found = await Promise.all(
    [redisKeys.claims, redisKeys.wrongClaims].map((key) => redis.xrevrange(key, '+', '-', 'COUNT', count)),
  );
  const records = found.flat().map(([, fields]) => {
    const row: Record<string, string> = {};
    for (let i = 0; i + 1 < fields.length; i += 2) row[fields[i] ?? ''] = fields[i + 1] ?? '';
    return { ...row, at: Number(row['at']) } as ClaimRecord;
  });
  return records.sort((a, b) => b.at - a.at).slice(0, count);
}

async function decide(
  redis: Redis,
  claim: Claim,
  { serial, model, room }: ClaimRequest,
): Promise<DecidedChange<Credentials | ClaimRefusal>> {
  const { tokenId, device: id, deviceClass } = claim;
  const [kept, [known]] = await Promise.all([findClaimToken(redis, tokenId), findKnownDevices(redis, [id])]);
  const siteId = kept?.site ?? '';
  const inRoom = room ?? unassigned;
  const [site, roomJson] = await Promise.all([
    redis.hget(redisKeys.sites, siteId),
    redis.hget(redisKeys.rooms, roomKey(siteId, inRoom)),
  ]);
  // It ends with its site, whoever removed that.
  const token = site === null ? undefined : kept;
  const now = Date.now();
  const decided = decideClaim(token, { device: id, deviceClass, serial }, known, now);
  if (isClaimRefusal(decided)) return { changes: [], read: [], write: [], outcome: decided };
  // For the compiler: without a token it was refused.
  if (token === undefined) throw new Error('a claim without a token was granted');
  const device: Device = {
    ...known?.device,
    id,
    site: token.site,
    deviceClass,
    room: room ?? known?.device.room ?? unassigned,
    model: model ?? known?.device.model,
    serial,
  };
  const password = createSecret();
  const { devices, credentials, claimTokens } = redisKeys;
  const usedToken: ClaimToken = { ...token, used: token.used + (decided.newUse ? 1 : 0) };
  const outcomeName = decided.newUse ? 'claimed' : 'claimed_again';
  return {
    changes: [
      { kind: 'device', id },
      { kind: 'credentials', id },
    ],
    read: [
      [claimTokens, tokenId, JSON.stringify(token)],
      known === undefined ? [devices, id] : [devices, id, JSON.stringify(known.device)],
      known?.credentials === undefined
        ? [credentials, id]
        : [credentials, id, JSON.stringify(known.credentials)],
      asRead(redisKeys.sites, siteId, site),
      asRead(redisKeys.rooms, roomKey(siteId, inRoom), roomJson),
    ],
    write: [
      [claimTokens, tokenId, JSON.stringify(usedToken)],
      [devices, id, JSON.stringify(device)],
      ...(room === undefined || room === unassigned || roomJson !== null ? [] : [newRoom(siteId, room)]),
      [credentials, id, JSON.stringify(withNewSecret(undefined, hashSecret(password), now))],
    ],
    append: [
      { stream: redisKeys.claims, keep: keptClaims, fields: toFields(claim, token.site, outcomeName) },
    ],
    audit: [
      {
        at: now,
        by: `claim:${tokenId}`,
        what: 'credentials.claimed',
        id,
        device: id,
        after: { site: token.site, serial, address: claim.address, via: claim.via },
      },
    ],
    outcome: toCredentials(device, password),
  };
}

function toFields(claim: Claim, site: string, outcome: string): string[] {
  const { request, device, deviceClass, address, via, tokenId } = claim;
  const serial = isClaimRefusal(request) ? '' : request.serial;
  const record: ClaimRecord = {
    at: Date.now(),
    device,
    site,
    deviceClass,
    serial,
    address,
    via,
    tokenId,
    outcome,
  };
  return Object.entries(record).flatMap(([name, value]) => [name, String(value)]);
}
