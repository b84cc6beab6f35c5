import type { FastifyInstance } from 'fastify';
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import {
  isClaimRefusal,
  mayBeGuess,
  parseClaimRequest,
  tokenIdOf,
  tokenMatches,
} from '../../devices/claim.js';
import type { ClaimError, ClaimRefusal, ClaimToken } from '../../devices/claim.js';
import type { Credentials } from '../../devices/credential.js';
import { isDeviceClass } from '../../devices/device-class.js';
import type { Claim } from '../../devices/redis-claims.js';
import { idPattern } from '../../devices/topic.js';
import { addressGroup } from '../../runtime/address-group.js';
import type { FailureThrottle } from '../../runtime/failure-throttle.js';

interface ClaimSources {
  readonly findToken: (id: string) => Promise<ClaimToken | undefined>;
  readonly claim: (claim: Claim) => Promise<Credentials | ClaimRefusal>;
  readonly wrongToken: (tried: {
    readonly device: string;
    readonly deviceClass: string;
    readonly address: string;
    readonly tokenId: string;
  }) => Promise<void>;
  readonly throttle: FailureThrottle;
  readonly metrics: Registry;
}

const statusOf: Readonly<Record<ClaimError, number>> = {
  bad_claim: 400,
  token_ended: 401,
  token_used_up: 403,
  revoked: 403,
  device_elsewhere: 409,
  other_class: 409,
  other_serial: 409,
  has_password: 409,
};

/**
 * `POST /api/v1/claims`: an installer claims the credentials of a device, with `token`, `device`, `class`,
 * `serial` and, where known, `model` and `room`. Answers 201 with what to type into the device, once.
 */
export function addClaimRoute(server: FastifyInstance, sources: ClaimSources): void {
  const outcomes = new Counter({
    name: 'pc_http_claims_total',
    help: 'Claims of devices over HTTP, by outcome',
    labelNames: ['outcome'],
    registers: [sources.metrics],
  });
  server.post('/api/v1/claims', { bodyLimit: 4096 }, async (request, reply) => {
    const { token: text, device, class: deviceClass } = (request.body ?? {}) as Record<string, unknown>;
    if (typeof text !== 'string' || typeof device !== 'string' || typeof deviceClass !== 'string') {
      throw problem(400, 'A claim has "token", "device", "class" and "serial".');
    }
    if (!idPattern.test(device)) throw problem(400, '"device" is no device id.');
    if (!isDeviceClass(deviceClass)) {
      throw problem(400, '"class" is none of sensor, whiteboard, ap and gateway.');
    }
    const tokenId = tokenIdOf(text);
    const group = addressGroup(request.ip);
    const token = tokenId === undefined ? undefined : await whenAsked(sources.findToken(tokenId));
    if (token === undefined || !tokenMatches(token, text, Date.now())) {
      const { held } = await sources.throttle.refuse(group, device);
      outcomes.inc({ outcome: 'wrong_token' });
      // Said to nobody but the log: the answer is the same without it.
      const tried = { device, deviceClass, address: request.ip, tokenId: tokenId ?? '' };
      await sources.wrongToken(tried).catch(() => undefined);
      if (!held) throw problem(429, 'Too many wrong tokens came from here; wait a minute.');
      throw problem(401, 'The claim token is unknown or has ended.');
    }
    const claimed = await whenAsked(
      sources.claim({
        request: parseClaimRequest(request.body),
        tokenId: token.id,
        device,
        deviceClass,
        address: request.ip,
        via: 'http',
      }),
    );
    outcomes.inc({ outcome: isClaimRefusal(claimed) ? claimed.error : 'claimed' });
    if (isClaimRefusal(claimed)) {
      const held = !mayBeGuess(claimed) || (await sources.throttle.refuse(group, device)).held;
      if (!held) throw problem(429, 'Too many claims from here were refused; wait a minute.');
      throw problem(statusOf[claimed.error], claimed.detail);
    }
    sources.throttle.succeeded(group, device);
    return reply.code(201).header('cache-control', 'no-store').send(claimed);
  });
}

function problem(statusCode: number, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { statusCode });
}

/** Redis that can't be asked is no mistake of ours. */
function whenAsked<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return answer.catch((cause: unknown) => {
    throw problem(503, 'Redis can not be asked now; see /readyz.', cause);
  });
}
