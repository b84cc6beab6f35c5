import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import {
  issueClaimToken,
  listClaims,
  listClaimTokens,
  revokeClaimToken,
} from '../../devices/redis-claims.js';
import { durationOption } from '../duration-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';
import { operator } from '../terminal/command-words.js';

interface ClaimOptions extends Record<string, unknown> {
  readonly json?: boolean;
}

/** `campus claims issue|tokens|revoke|log` */
export function addClaimsCommand(program: Command): void {
  const claims = program
    .command('claims')
    .summary('tokens with which an installer enrols devices on the spot')
    .description(
      'A claim token is for one site. A device that connects with it gets a password of its own; see README,\n' +
        '"How a device gets its credentials".',
    );
  addIssue(claims);
  addTokens(claims);
  addRevoke(claims);
  addLog(claims);
}

function addIssue(claims: Command): void {
  const command = claims
    .command('issue <site>')
    .summary('issue a claim token for a site')
    .description('Prints a claim token for the site. It is shown only now.')
    .addOption(durationOption('--valid <duration>', 'how long it can be used', '24h'))
    .option('--uses <n>', 'how many devices it can be used for', parseUses, 50)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus claims issue school-1 --valid 8h --uses 60');
  addSettingFlags(command, instanceSettings).action(
    async (site: string, options: ClaimOptions & { readonly valid: number; readonly uses: number }) => {
      const { settings, redisUrl } = findInstance(options);
      const { valid: validMs, uses } = options;
      const { text, kept } = await withRedis(redisUrl, (redis) =>
        issueClaimToken(redis, { site, validMs, uses }, operator()),
      );
      if (options.json === true) {
        console.log(JSON.stringify({ id: kept.id, token: text, site, until: kept.until, uses }));
        return;
      }
      console.log(
        formatPairs([
          ['Token', text],
          ['Site', site],
          ['Valid until', formatTime(kept.until, settings.TIMEZONE)],
          ['Devices', String(uses)],
        ]),
      );
    },
  );
}

function addTokens(claims: Command): void {
  const command = claims
    .command('tokens')
    .summary('list the claim tokens')
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus claims tokens');
  addSettingFlags(command, instanceSettings).action(async (options: ClaimOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const tokens = await withRedis(redisUrl, listClaimTokens);
    const now = Date.now();
    if (options.json === true) {
      console.log(
        JSON.stringify(
          tokens.map(({ id, site, issuedAt, until, uses, used }) => ({
            id,
            site,
            issuedAt,
            until,
            uses,
            used,
          })),
        ),
      );
    } else if (tokens.length === 0) console.log('There is no claim token.');
    else {
      console.log(
        formatTable(
          ['Id', 'Site', 'Valid until', 'Used'],
          tokens.map(({ id, site, until, uses, used }) => [
            id,
            site,
            `${formatTime(until, settings.TIMEZONE)}${until <= now ? ' (ended)' : ''}`,
            `${used} of ${uses}`,
          ]),
        ),
      );
    }
  });
}

function addRevoke(claims: Command): void {
  const command = claims
    .command('revoke <id>')
    .summary('end a claim token at once')
    .description('Ends the token. Devices that got their credentials with it keep them.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus claims revoke b2kX91Qa');
  addSettingFlags(command, instanceSettings).action(async (id: string, options: ClaimOptions) => {
    await withRedis(findInstance(options).redisUrl, (redis) => revokeClaimToken(redis, id, operator()));
    console.log(options.json === true ? JSON.stringify({ revoked: id }) : `Claim token "${id}" is revoked.`);
  });
}

function addLog(claims: Command): void {
  const command = claims
    .command('log')
    .summary('who claimed which device, when and from where, newest first')
    .option('--count <n>', 'how many at most', parseUses, 20)
    .option('--json', 'print a JSON array')
    .addHelpText('after', '\nExample:\n  $ campus claims log --count 100 --json');
  addSettingFlags(command, instanceSettings).action(
    async (options: ClaimOptions & { readonly count: number }) => {
      const { settings, redisUrl } = findInstance(options);
      const records = await withRedis(redisUrl, (redis) => listClaims(redis, options.count));
      if (options.json === true) console.log(JSON.stringify(records));
      else if (records.length === 0) console.log('Nothing was claimed yet.');
      else {
        console.log(
          formatTable(
            ['Time', 'Device', 'Site', 'Serial', 'From', 'Token', 'Outcome'],
            records.map(({ at, device, site, serial, address, via, tokenId, outcome }) => [
              formatTime(at, settings.TIMEZONE),
              device,
              site,
              serial,
              `${address} (${via})`,
              tokenId,
              outcome,
            ]),
          ),
        );
      }
    },
  );
}

function parseUses(text: string): number {
  const uses = Number(text);
  if (!Number.isInteger(uses) || uses < 1 || uses > 100_000) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 100000.');
  }
  return uses;
}
