import type { Command } from 'commander';
import { Argument, Option } from 'commander';
import type { District } from '../../devices/district.js';
import { accountKinds, accountRoles, usernameOf } from '../../devices/account.js';
import type { Account, AccountKind, AccountRole } from '../../devices/account.js';
import {
  addAccount,
  changeRole,
  listAccounts,
  revokeAccount,
  rotateAccount,
} from '../../devices/redis-accounts.js';
import type { AccountCredentials } from '../../devices/redis-accounts.js';
import { AppError } from '../../runtime/app-error.js';
import { durationOption } from '../duration-option.js';
import { readDistrict } from '../district-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { operator } from '../terminal/command-words.js';

interface AccountOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

/** `campus accounts add|role|rotate|revoke|list` */
export function addAccountsCommand(program: Command): void {
  const accounts = program
    .command('accounts')
    .summary('MQTT accounts of people and programs that are no devices')
    .description(
      'An operator sees what the devices of its sites send, and sends nothing. A bridge sends for devices of its\n' +
        'sites that speak another protocol, and gets their commands.\n' +
        'The role of an operator says what its person may do with "--by NAME": a viewer nothing, an operator send\n' +
        'commands, an approver also agree to what others want ("campus approvals").',
    );
  addAdd(accounts);
  addRole(accounts);
  addRotate(accounts);
  addRevoke(accounts);
  addList(accounts);
}

function addAdd(accounts: Command): void {
  const command = accounts
    .command('add <name>')
    .summary('add an account and print its password')
    .description('Adds an account. Its password is shown only now; any MQTT client id will do.')
    .addOption(new Option('--kind <kind>', 'what it may do').choices(accountKinds).makeOptionMandatory())
    .addOption(
      new Option('--role <role>', 'what its person may do, of an operator; left out: viewer').choices(
        accountRoles,
      ),
    )
    .option('--site <id...>', 'a site it is for; may be given several times')
    .option(
      '--district <name...>',
      'a district whose sites it is for, those to come included',
      (text: string, before?: readonly District[]) => [...(before ?? []), readDistrict(text)],
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus accounts add watch-school-1 --kind operator --site school-1\n' +
        '  $ campus accounts add wang --kind operator --role approver --district 禅城\n' +
        '  $ campus accounts add zigbee --kind bridge --site school-1 --site school-2 --json',
    );
  addSettingFlags(command, instanceSettings).action(
    async (
      name: string,
      options: AccountOptions & {
        readonly kind: AccountKind;
        readonly role?: AccountRole;
        readonly site?: string[];
        readonly district?: District[];
      },
    ) => {
      const { kind, role, site: sites = [], district: districts = [] } = options;
      if (role !== undefined && kind !== 'operator')
        throw new AppError('no_operator', 'Only an operator has a role: leave --role out.');
      const credentials = await withRedis(findInstance(options).redisUrl, (redis) =>
        addAccount(redis, { name, kind, role, sites, districts }, operator()),
      );
      print(credentials, options);
    },
  );
}

function addRole(accounts: Command): void {
  const command = accounts
    .command('role <name>')
    .summary("change what an operator's person may do")
    .addArgument(new Argument('<role>', 'what it may do').choices(accountRoles))
    .addHelpText('after', '\nExample:\n  $ campus accounts role wang approver');
  addSettingFlags(command, instanceSettings).action(
    async (name: string, role: AccountRole, options: AccountOptions) => {
      await withRedis(findInstance(options).redisUrl, (redis) => changeRole(redis, name, role, operator()));
      console.log(`Account "${name}" is a${/^[ao]/.test(role) ? 'n' : ''} ${role}.`);
    },
  );
}

function addRotate(accounts: Command): void {
  const command = accounts
    .command('rotate <name>')
    .summary('issue a new password while the present one goes on for a while')
    .addOption(durationOption('--overlap <duration>', 'how long the present password stays valid', '0s'))
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus accounts rotate watch-school-1 --overlap 24h');
  addSettingFlags(command, instanceSettings).action(
    async (name: string, options: AccountOptions & { readonly overlap: number }) => {
      const { redisUrl, settings } = findInstance(options);
      const credentials = await withRedis(redisUrl, (redis) =>
        rotateAccount(redis, name, options.overlap, operator()),
      );
      print(credentials, options);
      if (options.json === true) return;
      const until = formatTime(Date.now() + options.overlap, settings.TIMEZONE);
      console.log(
        options.overlap > 0
          ? `The earlier password is valid until ${until}.`
          : 'Earlier passwords are no longer valid.',
      );
    },
  );
}

function addRevoke(accounts: Command): void {
  const command = accounts
    .command('revoke <name>')
    .summary('end all passwords of an account at once and close its connections')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus accounts revoke watch-school-1');
  addSettingFlags(command, instanceSettings).action(async (name: string, options: AccountOptions) => {
    await withRedis(findInstance(options).redisUrl, (redis) => revokeAccount(redis, name, operator()));
    console.log(options.json === true ? JSON.stringify({ revoked: name }) : `Account "${name}" is revoked.`);
  });
}

function addList(accounts: Command): void {
  const command = accounts
    .command('list')
    .summary('list the accounts')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus accounts list');
  addSettingFlags(command, instanceSettings).action(async (options: AccountOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const accounts = await withRedis(redisUrl, listAccounts);
    if (options.json === true) console.log(JSON.stringify(accounts.map(describe)));
    else if (accounts.length === 0) console.log('There is no account.');
    else {
      console.log(
        formatTable(
          ['Username', 'Kind', 'Role', 'Sites', 'Districts', 'Password'],
          accounts.map(({ name, kind, role = 'viewer', sites, districts, secrets }) => [
            usernameOf(name),
            kind,
            kind === 'operator' ? role : '',
            sites.join(' '),
            districts.join(' '),
            secrets[0] === undefined
              ? 'revoked'
              : `issued ${formatTime(secrets[0].issuedAt, settings.TIMEZONE)}`,
          ]),
        ),
      );
    }
  });
}

function print(credentials: AccountCredentials, options: AccountOptions): void {
  const { username, password } = credentials;
  console.log(
    options.json === true
      ? JSON.stringify(credentials)
      : formatPairs([
          ['Username', username],
          ['Password', password],
        ]),
  );
}

/** Without the hashes, which are nobody's business. */
function describe({ name, kind, role, sites, districts, secrets }: Account) {
  return {
    name,
    username: usernameOf(name),
    kind,
    ...(kind === 'operator' ? { role: role ?? 'viewer' } : {}),
    sites,
    districts,
    secrets: secrets.map(({ issuedAt, until }) => ({ issuedAt, until: until ?? null })),
  };
}
