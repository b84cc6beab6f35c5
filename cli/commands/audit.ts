import type { Command } from 'commander';
import { Option } from 'commander';
import { anchorFileOf, readAnchors } from '../../alerts/anchor-file.js';
import { auditAreas } from '../../devices/audit.js';
import type { AuditArea } from '../../devices/audit.js';
import { listAudit } from '../../devices/redis-audit.js';
import { loadClock } from '../../runtime/redis-clock.js';
import { exportAudit } from '../audit/export-audit.js';
import { verifyExport, verifyRedisAudit } from '../audit/verify-audit.js';
import type { AuditVerdict } from '../audit/verify-audit.js';
import { parseCountOption } from '../count-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatAudit } from '../terminal/format-audit.js';
import { parseTimeOption } from '../time-option.js';

interface RangeOptions extends Record<string, unknown> {
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

const dayMs = 86_400_000;
const timeHint = 'as 2026-03-02, 2026-03-02T08:00 or 7d (so long ago)';

/** `campus audit list|verify|export` */
export function addAuditCommand(program: Command): void {
  const audit = program
    .command('audit')
    .summary('who did what: list it, verify that nothing was changed, export it')
    .description(
      'One log of everything that people and the pipeline decided and did: commands and what became of them, group\n' +
        'commands, approvals, the stop for all, rule modes, maintenance, accounts, credentials and the registry. Each\n' +
        'record holds the hash of the one before, and is written in the same step as what it tells of. Where the chain\n' +
        'ends is written down every ten minutes, in audit/anchors.ndjson of the data folder and in the log of the pipeline:\n' +
        'keep copies elsewhere, for who can write to Redis and to that file can make a chain anew.',
    );
  addList(audit);
  addVerify(audit);
  addExport(audit);
}

function addList(audit: Command): void {
  const command = audit
    .command('list')
    .summary('the newest records first')
    .addOption(new Option('--area <area...>', 'only these kinds of deeds').choices(auditAreas))
    .option('--device <id>', 'only what concerns this device')
    .option('--id <id>', 'only what was done to this command, rule, account …')
    .option('--by <who>', 'only what this person or part of the pipeline did')
    .option('--from <time>', `only from then on, ${timeHint}`)
    .option('--to <time>', 'only before then')
    .option('--count <n>', 'how many at most', parseCountOption, 50)
    .option('--json', 'print a JSON array')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus audit list --area rule maintenance\n  $ campus audit list --device ap-101 --from 7d',
    );
  addSettingFlags(command, instanceSettings).action(
    async (
      options: RangeOptions & {
        readonly area?: AuditArea[];
        readonly device?: string;
        readonly id?: string;
        readonly by?: string;
        readonly count: number;
      },
    ) => {
      const { settings, redisUrl } = findInstance(options);
      const { area: areas, device, id, by, count } = options;
      const records = await withRedis(redisUrl, async (redis) => {
        const now = (await loadClock(redis)).now();
        const range = readRange(options, settings.TIMEZONE, now);
        return listAudit(redis, { areas, device, id, by, count, ...range });
      });
      if (options.json === true) console.log(JSON.stringify(records));
      else if (records.length === 0) console.log('Nothing of that kind is on record.');
      else console.log(formatAudit(records, settings.TIMEZONE));
    },
  );
}

function addVerify(audit: Command): void {
  const command = audit
    .command('verify')
    .summary('find what was changed, removed, inserted or cut off; the exit code is 1 when something was')
    .option('--file <file>', 'an exported file in place of the running pipeline')
    .option('--anchors <file>', 'anchors to go by; left out: those of the data folder, for a file none')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus audit verify\n  $ campus audit verify --anchors /mnt/usb/anchors.ndjson\n' +
        '  $ campus audit verify --file march.ndjson',
    );
  addSettingFlags(command, instanceSettings).action(
    async (options: Record<string, unknown> & { file?: string; anchors?: string; json?: boolean }) => {
      const { file } = options;
      let verdict: AuditVerdict;
      if (file !== undefined) {
        verdict = await verifyExport(file, await anchorsOf(options.anchors));
      } else {
        const { settings, redisUrl, folder } = findInstance(options);
        const anchors = await anchorsOf(options.anchors ?? anchorFileOf(folder ?? settings.DATA_DIR));
        verdict = await withRedis(redisUrl, async (redis) => {
          const keptSince = (await loadClock(redis)).now() - settings.AUDIT_DAYS * dayMs;
          return verifyRedisAudit(redis, anchors, keptSince);
        });
      }
      console.log(options.json === true ? JSON.stringify(verdict) : describe(verdict));
      if (verdict.problems.length > 0) process.exitCode = 1;
    },
  );
}

function addExport(audit: Command): void {
  const command = audit
    .command('export')
    .summary('write the records as NDJSON that can be verified anywhere, with an anchor as its last line')
    .option('--from <time>', `only from then on, ${timeHint}`)
    .option('--to <time>', 'only before then')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus audit export > audit.ndjson\n' +
        '  $ campus audit export --from 2026-03-01 --to 2026-04-01 > march.ndjson',
    );
  addSettingFlags(command, instanceSettings).action(async (options: RangeOptions) => {
    const { settings, redisUrl } = findInstance(options);
    await withRedis(redisUrl, async (redis) => {
      const now = (await loadClock(redis)).now();
      const range = readRange(options, settings.TIMEZONE, now);
      for await (const line of exportAudit(redis, { ...range, now })) console.log(line);
    });
  });
}

function anchorsOf(file: string | undefined) {
  return file === undefined ? Promise.resolve([]) : readAnchors(file);
}

function readRange({ from, to }: RangeOptions, timezone: string, now: number) {
  return {
    ...(from === undefined ? {} : { from: parseTimeOption('--from', from, timezone, now) }),
    ...(to === undefined ? {} : { to: parseTimeOption('--to', to, timezone, now) }),
  };
}

function describe({ records, last, anchors, problems }: AuditVerdict): string {
  const against = anchors === 0 ? 'no anchor to compare with' : `${anchors} anchors`;
  if (problems.length === 0)
    return `The audit is whole: ${records} records up to number ${last.seq}, ${against}; the last hash is ${last.hash}.`;
  return [
    `The audit is NOT whole (${records} records, ${against}):`,
    ...problems.map(({ kind, message }) => `  ${kind.replaceAll('_', ' ')}: ${message}`),
  ].join('\n');
}
