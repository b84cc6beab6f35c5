import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { sitesOf, usernameOf } from './account.js';
import type { Account, AccountRole } from './account.js';
import { createSecret, findSecret, hashSecret, withNewSecret } from './credential.js';
import { decideAndCommit } from './redis-registry-changes.js';
import type { DecidedChange } from './redis-registry-changes.js';
import type { Site } from './site.js';
import { idPattern } from './topic.js';

/** What to give to a program that connects as the account. The password is shown once and not kept. */
export interface AccountCredentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Adds an account, or one that was revoked again.
 * @throws AppError `bad_id`, `unknown_site`, `no_site`, `account_exists`
 */
export async function addAccount(
  redis: Redis,
  wanted: Omit<Account, 'secrets'>,
  by = 'pipeline',
): Promise<AccountCredentials> {
  const { name, sites, districts } = wanted;
  if (!idPattern.test(name)) {
    throw new AppError(
      'bad_id',
      `"${name}" is no account name: use up to 64 letters, digits, ".", "_" or "-".`,
    );
  }
  const registered = await listSites(redis);
  for (const site of sites) {
    if (registered.some(({ id }) => id === site)) continue;
    throw new AppError('unknown_site', `Site "${site}" is not registered: register it first.`);
  }
  if (sites.length + districts.length === 0) {
    throw new AppError('no_site', 'An account is for sites: name them with --site or --district.');
  }
  return change(redis, name, 'added', by, (known) => {
    if (known !== undefined && known.secrets.length > 0) {
      throw new AppError(
        'account_exists',
        `Account "${name}" is there already: rotate its password or revoke it first.`,
      );
    }
    const password = createSecret();
    const { secrets } = withNewSecret(undefined, hashSecret(password), Date.now());
    return { account: { ...wanted, secrets }, outcome: { username: usernameOf(name), password } };
  });
}

/**
 * Issues a new password; the present one stays valid for `overlapMs` (wall time) at most.
 * @throws AppError `unknown_account`
 */
export async function rotateAccount(
  redis: Redis,
  name: string,
  overlapMs: number,
  by = 'pipeline',
): Promise<AccountCredentials> {
  return change(redis, name, 'rotated', by, (known) => {
    if (known === undefined || known.secrets.length === 0) throw unknownAccount(name);
    const password = createSecret();
    const { secrets } = withNewSecret(known, hashSecret(password), Date.now(), overlapMs);
    return { account: { ...known, secrets }, outcome: { username: usernameOf(name), password } };
  });
}

/** Ends all passwords of an account at once and closes its connections. @throws AppError `unknown_account` */
export async function revokeAccount(redis: Redis, name: string, by = 'pipeline'): Promise<void> {
  await change(redis, name, 'revoked', by, (known) => {
    if (known === undefined) throw unknownAccount(name);
    return { account: { ...known, secrets: [] }, outcome: undefined };
  });
}

/** Gives an operator's account another role. @throws AppError `unknown_account`, `no_operator` */
export async function changeRole(redis: Redis, name: string, role: AccountRole, by: string): Promise<void> {
  await change(redis, name, 'role', by, (known) => {
    if (known === undefined || known.secrets.length === 0) throw unknownAccount(name);
    if (known.kind !== 'operator')
      throw new AppError('no_operator', `Account "${name}" is a bridge: only an operator has a role.`);
    return { account: { ...known, role }, outcome: undefined };
  });
}

/**
 * The account of who gives its name and password, with its sites.
 * @throws AppError `not_authenticated`, the same whether the name or the password is wrong
 */
export async function authenticateAccount(
  redis: Redis,
  name: string,
  password: string,
): Promise<{ readonly account: Account; readonly sites: readonly string[] }> {
  const found = await findAccount(redis, name);
  if (found !== undefined && findSecret(found.account, password, Date.now()) !== undefined) return found;
  throw new AppError('not_authenticated', `There is no account "${name}" with that password.`);
}

/** All accounts, by name. */
export async function listAccounts(redis: Redis): Promise<Account[]> {
  const rows = await redis.hvals(redisKeys.accounts);
  return rows.map((json) => JSON.parse(json) as Account).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The account with the sites that it has now. */
export async function findAccount(
  redis: Redis,
  name: string,
): Promise<{ readonly account: Account; readonly sites: readonly string[] } | undefined> {
  const json = await redis.hget(redisKeys.accounts, name);
  if (json === null) return undefined;
  const account = JSON.parse(json) as Account;
  return { account, sites: sitesOf(account, account.districts.length > 0 ? await listSites(redis) : []) };
}

async function listSites(redis: Redis): Promise<Site[]> {
  return (await redis.hvals(redisKeys.sites)).map((json) => JSON.parse(json) as Site);
}

function change<Outcome>(
  redis: Redis,
  name: string,
  deed: string,
  by: string,
  decide: (known: Account | undefined) => { readonly account: Account; readonly outcome: Outcome },
): Promise<Outcome> {
  return decideAndCommit(redis, async (): Promise<DecidedChange<Outcome>> => {
    const json = await redis.hget(redisKeys.accounts, name);
    const known = json === null ? undefined : (JSON.parse(json) as Account);
    const { account, outcome } = decide(known);
    return {
      changes: [{ kind: 'account', id: name }],
      read: [json === null ? [redisKeys.accounts, name] : [redisKeys.accounts, name, json]],
      write: [[redisKeys.accounts, name, JSON.stringify(account)]],
      audit: [
        {
          at: Date.now(),
          by,
          what: `account.${deed}`,
          id: name,
          before: known && withoutSecrets(known),
          after: withoutSecrets(account),
        },
      ],
      outcome,
    };
  });
}

function withoutSecrets({ name, kind, role, sites, districts }: Account): Omit<Account, 'secrets'> {
  return { name, kind, role, sites, districts };
}

function unknownAccount(name: string): AppError {
  return new AppError('unknown_account', `There is no account "${name}"; see "campus accounts list".`);
}
