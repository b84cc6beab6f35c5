import { setTimeout as sleep } from 'node:timers/promises';
import { isClaimRefusal, mayBeGuess, parseClaimRequest } from '../devices/claim.js';
import type { ClaimRefusal } from '../devices/claim.js';
import type { Credentials } from '../devices/credential.js';
import type { Claim } from '../devices/redis-claims.js';
import type { FailureThrottle } from '../runtime/failure-throttle.js';
import type { Logger } from '../runtime/logger.js';
import { claimTopicOf } from './claim-session.js';
import type { ClientConnection } from './client-connection.js';
import { addressGroup } from '../runtime/address-group.js';
import type { InboundPublish } from './guard/publish-parser.js';
import type { OutboundMessage } from './wire.js';

/** A client that claims more often on one connection is closed. */
const maxClaims = 10;

interface Visit {
  claims: number;
  /** The answer that waits until the client has subscribed to where it belongs. */
  answer: OutboundMessage | undefined;
}

/**
 * Where a device that came with a claim token gets its credentials. Claims and answers go no other way than
 * over the one connection: not into the reading log, not to subscribers, not into any other log.
 */
export class ClaimDesk {
  readonly #claim: (claim: Claim) => Promise<Credentials | ClaimRefusal>;
  readonly #throttle: FailureThrottle;
  readonly #log: Logger;
  readonly #onClaim: (outcome: string) => void;
  readonly #visits = new WeakMap<ClientConnection, Visit>();

  constructor(parts: {
    readonly claim: (claim: Claim) => Promise<Credentials | ClaimRefusal>;
    /** Slows down who guesses, as at the door. */
    readonly throttle: FailureThrottle;
    readonly log: Logger;
    readonly onClaim: (outcome: string) => void;
  }) {
    this.#claim = parts.claim;
    this.#throttle = parts.throttle;
    this.#log = parts.log;
    this.#onClaim = parts.onClaim;
  }

  /** Takes a claim and calls `done` when it is answered; false: the message is none. */
  take(connection: ClientConnection, message: InboundPublish, done: (error?: Error) => void): boolean {
    const { session } = connection;
    const topic = session && claimTopicOf(session, message.topic);
    if (session?.claim === undefined || topic === undefined) return false;
    const visit = this.#visits.get(connection) ?? { claims: 0, answer: undefined };
    this.#visits.set(connection, visit);
    if (++visit.claims > maxClaims) {
      connection.destroy();
      return true;
    }
    const claim: Claim = {
      request: parseClaimRequest(parseJson(message.payload)),
      tokenId: session.claim.tokenId,
      device: session.client,
      deviceClass: topic.deviceClass,
      address: connection.incoming.address,
      via: 'mqtt',
    };
    // Nothing further is read, so that what follows is not acknowledged before [MQTT-4.6.0-2].
    connection.hold('claim');
    void this.#answer(connection, claim).then(
      (answer) => {
        const payload = Buffer.from(JSON.stringify(answer));
        visit.answer = { topic: topic.answerTopic, payload, qos: 1, retain: false };
        this.subscribed(connection);
        done();
        connection.release('claim');
      },
      (error: unknown) => {
        // Never acknowledged: the device claims again.
        done(error instanceof Error ? error : new Error(String(error)));
        connection.destroy();
      },
    );
    return true;
  }

  /** The client may have subscribed to its answer. */
  subscribed(connection: ClientConnection): void {
    const visit = this.#visits.get(connection);
    if (visit?.answer === undefined) return;
    if (connection.state?.subscriptions.has(visit.answer.topic) !== true) return;
    connection.deliver(visit.answer);
    visit.answer = undefined;
  }

  async #answer(connection: ClientConnection, claim: Claim): Promise<Credentials | ClaimRefusal> {
    // What came before is acknowledged before.
    while ((connection.session?.inFlight ?? 0) > 0 && !connection.ended) await sleep(2);
    const outcome = await this.#claim(claim);
    const who = { client: claim.device, address: claim.address };
    if (isClaimRefusal(outcome)) {
      this.#onClaim(outcome.error);
      this.#log.info(who, `claim refused: ${outcome.detail}`);
      if (mayBeGuess(outcome)) await this.#throttle.refuse(addressGroup(claim.address), claim.device);
      return { error: outcome.error, detail: outcome.detail };
    }
    this.#onClaim('claimed');
    this.#log.info(who, 'a device claimed its credentials');
    return outcome;
  }
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
