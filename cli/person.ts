import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Option } from 'commander';
import { hasRole, usernameOf } from '../devices/account.js';
import type { AccountRole } from '../devices/account.js';
import { authenticateAccount } from '../devices/redis-accounts.js';
import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { operator } from './terminal/command-words.js';

/** Who uses the command line. */
export interface Person {
  /** As the audit names it. */
  readonly name: string;
  /** The sites that it is in charge of; absent: who has this machine and its Redis, and so all of them. */
  readonly sites?: ReadonlySet<string> | undefined;
}

/** `--by`, the same wherever somebody acts under an account. */
export function byOption(): Option {
  return new Option(
    '--by <account>',
    'act as this account; its password is taken from CAMPUS_PASSWORD, or asked for',
  );
}

/**
 * Who acts: the account of `--by`, once its password is right, else whoever is logged in on this machine.
 * @throws AppError `not_authenticated`, `no_password`, `wrong_role`
 */
export async function identify(redis: Redis, by: string | undefined, role: AccountRole): Promise<Person> {
  if (by === undefined) return { name: operator() };
  const name = by.replace(/^@/, '');
  const password = process.env['CAMPUS_PASSWORD'] ?? (await askPassword(name));
  const { account, sites } = await authenticateAccount(redis, name, password);
  if (!hasRole(account, role))
    throw new AppError(
      'wrong_role',
      `Account "${name}" has the role ${account.kind === 'bridge' ? 'bridge' : (account.role ?? 'viewer')}; this takes ${role}: see "campus accounts role".`,
    );
  return { name: usernameOf(name), sites: new Set(sites) };
}

/** @throws AppError `wrong_site` */
export function assertInCharge({ name, sites }: Person, wanted: readonly string[]): void {
  const foreign = sites === undefined ? undefined : wanted.find((site) => !sites.has(site));
  if (foreign !== undefined)
    throw new AppError(
      'wrong_site',
      `${name} is not in charge of site "${foreign}": see "campus accounts list".`,
    );
}

/** @throws AppError `unnamed` */
export function assertNamed(person: Person, why: string): void {
  if (person.sites === undefined)
    throw new AppError(
      'unnamed',
      `${why} Say who you are with --by ACCOUNT ("campus accounts add --role operator").`,
    );
}

function askPassword(name: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new AppError(
      'no_password',
      `The password of account "${name}" is asked for at a terminal: set CAMPUS_PASSWORD.`,
    );
  process.stderr.write(`Password of ${name}: `);
  // What is typed is not shown.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve) => {
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
