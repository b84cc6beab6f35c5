import { findAccount } from '../devices/redis-accounts.js';
import { findClaimToken } from '../devices/redis-claims.js';
import { tryKnownDevices } from '../devices/redis-credentials.js';
import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { reasonToDrop } from './authentication.js';
import type { SessionWatch } from './session-watch.js';

/** Tells of each kind of session why it may not go on, by what the registry now says. */
export function createJudges(redis: Redis): ConstructorParameters<typeof SessionWatch>[0]['judges'] {
  return {
    device: async (ids) => {
      const known = await tryKnownDevices(redis, ids);
      return known.map((each) => ({ device }) => {
        if (each instanceof AppError) return each.message;
        return device && reasonToDrop(device, each, Date.now());
      });
    },
    claim_token: async (ids) => {
      const tokens = await Promise.all(ids.map((id) => findClaimToken(redis, id)));
      return tokens.map(
        (token) => () =>
          token === undefined || token.until <= Date.now() ? 'its claim token has ended' : undefined,
      );
    },
    account: async (names) => {
      const accounts = await Promise.all(names.map((name) => findAccount(redis, name)));
      return accounts.map((found) => (session) => {
        if (session.account === undefined) return undefined;
        const { secretHash, sites } = session.account;
        const secret = found?.account.secrets.find(({ hash }) => hash === secretHash);
        if (found === undefined || secret === undefined) return 'its password was replaced or revoked';
        if (secret.until !== undefined && secret.until <= Date.now()) return 'its earlier password has ended';
        return found.sites.join() === sites.join() ? undefined : 'its account is for other sites now';
      });
    },
  };
}
