import { accountOf } from '../devices/account.js';
import type { Account } from '../devices/account.js';
import { tokenIdOf, tokenMatches } from '../devices/claim.js';
import type { ClaimToken } from '../devices/claim.js';
import { findSecret } from '../devices/credential.js';
import type { KnownDevice } from '../devices/credential.js';
import { idPattern } from '../devices/topic.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { FailureThrottle } from '../runtime/failure-throttle.js';
import { openAccountSession } from './account-session.js';
import { authenticateDevice } from './authentication.js';
import type { ConnectAttempt } from './authentication.js';
import { openClaimSession } from './claim-session.js';
import {
  badUserNameOrPassword,
  ConnectRefusal,
  notAuthorized,
  serverUnavailable,
} from './connect-refusal.js';
import { addressGroup } from '../runtime/address-group.js';
import { RecentRefusals } from './recent-refusals.js';
import type { Session } from './session.js';

/** Where it is looked up who may come in; each is one round trip at most. */
export interface GuestBook {
  readonly device: (id: string) => Promise<KnownDevice | undefined>;
  /** It came with a certificate, and nothing is kept of its credentials. */
  readonly certified: (id: string) => Promise<void>;
  /** Somebody came with a token that there is not. */
  readonly wrongToken: (tried: { device: string; tokenId: string; address: string }) => Promise<void>;
  readonly claimToken: (id: string) => Promise<ClaimToken | undefined>;
  readonly account: (
    name: string,
  ) => Promise<{ readonly account: Account; readonly sites: readonly string[] } | undefined>;
}

/** While the registry can't be asked, a city may knock: the cause is logged this often at most. */
const logEveryMs = 1000;

/** Decides who comes in and as what, and slows down who keeps coming with the wrong password. */
export class Doorkeeper {
  readonly #book: GuestBook;
  readonly #throttle: FailureThrottle;
  readonly #shards: number;
  readonly #clock: Clock;
  readonly #changes: () => number;
  readonly #log: Logger;
  readonly #recent = new RecentRefusals();
  #loggedAt = -Infinity;

  constructor(parts: {
    readonly book: GuestBook;
    readonly throttle: FailureThrottle;
    readonly shards: number;
    readonly clock: Clock;
    /** Goes up when something changes in the registry. */
    readonly changes: () => number;
    readonly log: Logger;
  }) {
    this.#book = parts.book;
    this.#throttle = parts.throttle;
    this.#shards = parts.shards;
    this.#clock = parts.clock;
    this.#changes = parts.changes;
    this.#log = parts.log;
  }

  /**
   * @returns the session of somebody who is who they say they are
   * @throws ConnectRefusal when it is to be given, which may be some seconds later
   */
  async admit(attempt: ConnectAttempt, address: string): Promise<Session> {
    const { client, username = '', password = Buffer.alloc(0), certificate } = attempt;
    const clientId = client.id;
    const group = addressGroup(address);
    const name = certificate?.device ?? username;
    const since = this.#changes();
    try {
      const known = certificate === undefined ? this.#recent.find(clientId, username, password) : undefined;
      if (known !== undefined) throw known;
      const session = await this.#authenticate(attempt, address);
      this.#throttle.succeeded(group, name);
      return session;
    } catch (error) {
      if (!(error instanceof ConnectRefusal)) {
        this.#logFailure(clientId, error);
        throw new ConnectRefusal(serverUnavailable, 'not_now', 'the registry can not be asked now');
      }
      // What was looked up may have been read just before it changed.
      if (since === this.#changes() && certificate === undefined) {
        this.#recent.add(clientId, username, password, error);
      }
      throw new ConnectRefusal(
        error.returnCode,
        error.reason,
        error.message,
        await this.#throttle.refuse(group, name),
      );
    }
  }

  /** Something has changed in the registry: what was refused is looked at anew. */
  changed(): void {
    this.#recent.forget();
  }

  #logFailure(client: string, error: unknown): void {
    const now = performance.now();
    if (now - this.#loggedAt < logEveryMs) return;
    this.#loggedAt = now;
    this.#log.warn({ client, err: error }, `nobody can be looked up for a CONNECT: ${messageOf(error)}`);
  }

  #authenticate(attempt: ConnectAttempt, address: string): Promise<Session> {
    const { username = '', password, certificate } = attempt;
    if (certificate === undefined && password !== undefined) {
      const account = accountOf(username);
      if (account !== undefined) return this.#authenticateAccount(attempt, account, password);
      const text = password.toString('latin1');
      const tokenId = tokenIdOf(text);
      if (tokenId !== undefined) return this.#authenticateClaim(attempt, { tokenId, text, address });
    }
    return this.#authenticateDevice(attempt);
  }

  async #authenticateDevice(attempt: ConnectAttempt): Promise<Session> {
    let known: KnownDevice | undefined;
    const find = async (id: string) => (known = await this.#book.device(id));
    const session = await authenticateDevice(attempt, find, this.#shards, this.#clock.now());
    // A CA of others issues without a word: from now on nobody can claim to be the device.
    if (known?.credentials === undefined) await this.#book.certified(session.client);
    return session;
  }

  async #authenticateClaim(
    { client, username = '' }: ConnectAttempt,
    { tokenId, text, address }: { tokenId: string; text: string; address: string },
  ): Promise<Session> {
    const [token, known] = await Promise.all([this.#book.claimToken(tokenId), this.#book.device(username)]);
    if (token === undefined || !tokenMatches(token, text, Date.now())) {
      // The refusal is the same where that is not kept.
      this.#book.wrongToken({ device: username, tokenId, address }).catch(() => undefined);
      throw new ConnectRefusal(badUserNameOrPassword, 'wrong_token', 'unknown or ended claim token');
    }
    if (client.id !== username || !idPattern.test(username)) {
      throw new ConnectRefusal(
        notAuthorized,
        'wrong_client_id',
        'client id and user name are not one device id',
      );
    }
    if (known !== undefined && known.device.site !== token.site) {
      throw new ConnectRefusal(
        notAuthorized,
        'other_site',
        'the device belongs to another site than the claim token',
      );
    }
    return openClaimSession(username, token, { shards: this.#shards, now: this.#clock.now() });
  }

  async #authenticateAccount({ client }: ConnectAttempt, name: string, password: Buffer): Promise<Session> {
    const found = await this.#book.account(name);
    const secret = findSecret(found?.account, password, Date.now());
    if (found === undefined || secret === undefined) {
      throw new ConnectRefusal(badUserNameOrPassword, 'wrong_account', 'unknown account or wrong password');
    }
    const { account, sites } = found;
    return openAccountSession(
      { name, kind: account.kind, sites, secretHash: secret.hash },
      { clientId: client.id, shards: this.#shards, now: this.#clock.now() },
    );
  }
}
