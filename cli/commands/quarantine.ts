import type { Command } from 'commander';
import { Option } from 'commander';
import { rejectReasons } from '../../devices/telemetry.js';
import {
  findItem,
  listQuarantine,
  replayQuarantine,
  summarizeQuarantine,
} from '../../ingest/quarantine/redis-quarantine.js';
import type {
  QuarantineItem,
  QuarantineSummary,
  ReplayFilter,
  ReplayOutcome,
} from '../../ingest/quarantine/redis-quarantine.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { parseCountOption } from '../count-option.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface ListOptions extends Record<string, unknown> {
  readonly count: number;
  readonly reason?: string;
  readonly json?: boolean;
}

interface ReplayOptions extends Record<string, unknown> {
  readonly reason?: string;
  readonly all?: boolean;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

// A replay goes through all that is kept.
const replayTimeoutMs = 60_000;

/** `campus quarantine summary|list|show|replay` */
export function addQuarantineCommand(program: Command): void {
  const quarantine = program.command('quarantine');

  const summary = quarantine
    .command('summary')
    .summary('how many there are of each reason, and how many have expired')
    .description(
      'Counts what is in quarantine by reason. When QUARANTINE_COUNT or QUARANTINE_BYTES are reached the oldest expire:\n' +
        'their bytes are gone, and they are counted here and in the ledger for good.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ campus quarantine summary');
  addSettingFlags(summary, instanceSettings).action(async (options: Record<string, unknown>) => {
    const { settings, redisUrl } = findInstance(options);
    const counts = await withRedis(redisUrl, summarizeQuarantine);
    console.log(options['json'] === true ? JSON.stringify(counts) : formatSummary(counts, settings.TIMEZONE));
  });

  const list = quarantine
    .command('list')
    .summary('list them, newest first')
    .option('--count <n>', 'how many at most', parseCountOption, 20)
    .addOption(
      new Option('--reason <reason>', 'only those quarantined for this reason').choices(rejectReasons),
    )
    .option('--json', 'print a JSON array; the payload is base64')
    .addHelpText('after', '\nExample:\n  $ campus quarantine list --reason not_json --count 100 --json');
  addSettingFlags(list, instanceSettings).action(async (options: ListOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const { count, reason } = options;
    // One more than is shown tells whether there are more.
    const found = await withRedis(redisUrl, (redis) => listQuarantine(redis, { count: count + 1, reason }));
    const items = found.slice(0, count);
    if (options.json === true) {
      console.log(
        JSON.stringify(items.map((item) => ({ ...item, payload: item.payload.toString('base64') }))),
      );
      return;
    }
    if (items.length === 0) {
      console.log(`Nothing is in quarantine${reason === undefined ? '' : ` for the reason ${reason}`}.`);
      return;
    }
    const rows = items.map((item) => toRow(item, settings.TIMEZONE));
    console.log(formatTable(['Id, arrived', 'Device', 'Reason, detail, payload'], rows));
    if (found.length > count)
      console.log(
        `These are the newest ${count}; there are more: --count ${count * 10} shows them; "campus quarantine show ID" prints a whole payload.`,
      );
  });

  const show = quarantine
    .command('show <id>')
    .summary('show one with its whole payload')
    .option('--json', 'print one JSON object; the payload is base64')
    .addHelpText('after', '\nExample:\n  $ campus quarantine show 0:1772409600000-0');
  addSettingFlags(show, instanceSettings).action(async (id: string, options: Record<string, unknown>) => {
    const { settings, redisUrl } = findInstance(options);
    const item = await withRedis(redisUrl, (redis) => findItem(redis, id));
    if (item === undefined) {
      throw new AppError(
        'not_in_quarantine',
        `Nothing is in quarantine with the id ${id}; see "campus quarantine list".`,
      );
    }
    console.log(
      options['json'] === true
        ? JSON.stringify({ ...item, payload: item.payload.toString('base64') })
        : formatItem(item, settings.TIMEZONE),
    );
  });

  const replay = quarantine
    .command('replay [id...]')
    .summary('send them through the pipeline again, after a fix')
    .description(
      'Sends messages through the pipeline again. What is still not understood comes back. What stays where it is: ' +
        'messages of which only the first bytes were kept (payload_too_large), and, without --overwrite, readings ' +
        'whose device sent another one with the same time (same_timestamp).',
    )
    .addOption(new Option('--reason <reason>', 'those quarantined for this reason').choices(rejectReasons))
    .option('--all', 'all of them')
    .option('--overwrite', 'also readings that replace the stored one of the same device and time')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus quarantine replay --reason unknown_metric\n  $ campus quarantine replay --all',
    );
  addSettingFlags(replay, instanceSettings).action(async (ids: string[], options: ReplayOptions) => {
    const { reason, overwrite } = options;
    if (ids.length === 0 && reason === undefined && options.all !== true) {
      throw new AppError('nothing_chosen', 'Say which messages: ids, --reason or --all.');
    }
    const { redisUrl } = findInstance(options);
    const filter = { reason, overwrite, ...(ids.length > 0 ? { ids } : {}) };
    const outcome = await withRedis(redisUrl, (redis) => replayOrExplain(redis, filter), replayTimeoutMs);
    console.log(options.json === true ? JSON.stringify(outcome) : formatReplay(outcome));
  });
}

/** @throws AppError `not_in_quarantine` saying what there is, when nothing there is meant */
async function replayOrExplain(redis: Redis, filter: ReplayFilter) {
  const { unknownIds, ...outcome } = await replayQuarantine(redis, filter);
  const { replayed, cut, overwriting, unregistered } = outcome;
  if (unknownIds.length === 0 && replayed + cut + overwriting + unregistered > 0) return outcome;
  const isAsked = filter.ids !== undefined || filter.reason !== undefined;
  if (!isAsked) return outcome;
  const what = [
    ...(unknownIds.length > 0 ? [`with the id ${unknownIds.join(', ')}`] : []),
    ...(filter.reason === undefined ? [] : [`for the reason ${filter.reason}`]),
  ].join(' ');
  const { reasons } = await summarizeQuarantine(redis);
  const there = reasons.flatMap(({ reason, held }) => (held === 0 ? [] : [`${held} ${reason}`]));
  const expired = reasons.reduce((sum, reason) => sum + reason.expired, 0);
  throw new AppError(
    'not_in_quarantine',
    `Nothing is in quarantine ${what}, and nothing was sent. There is ${there.join(', ') || 'nothing at all'}` +
      `${expired === 0 ? '' : `, and ${expired} have expired`}; see "campus quarantine list".`,
  );
}

function formatSummary({ reasons, items, bytes, oldestAt }: QuarantineSummary, timezone: string): string {
  if (reasons.length === 0) return 'Nothing is in quarantine, and nothing of it has expired.';
  const table = formatTable(
    ['Reason', 'In quarantine', 'Expired'],
    reasons.map(({ reason, held, expired }) => [reason, held, expired]),
  );
  const since = oldestAt === undefined ? '' : `, the oldest since ${formatTime(oldestAt, timezone)}`;
  return `${table}\n${items} entries with ${(bytes / 1_048_576).toFixed(1)} MiB${since}.`;
}

function formatReplay({
  replayed,
  cut,
  overwriting,
  unregistered,
}: Omit<ReplayOutcome, 'unknownIds'>): string {
  return [
    `${replayed} sent through the pipeline again; what is still not understood comes back with a new id.`,
    ...(cut > 0 ? [`${cut} stay: they were too large, and only their first bytes were kept.`] : []),
    ...(overwriting > 0
      ? [
          `${overwriting} stay: they would replace the stored reading of the same time; --overwrite sends them.`,
        ]
      : []),
    ...(unregistered > 0
      ? [`${unregistered} stay: their devices are not registered; see "campus devices unknown".`]
      : []),
  ].join('\n');
}

function formatItem(item: QuarantineItem, timezone: string): string {
  const { id, device, client, topic, reason, detail, arrivedAt, payload, index, cutFrom } = item;
  const size =
    cutFrom === undefined ? `${payload.length} bytes` : `the first ${payload.length} of ${cutFrom} bytes`;
  const pairs = formatPairs([
    ['Id', id],
    ['Arrived', formatTime(arrivedAt, timezone)],
    ['Device', device],
    ['Sent by', client],
    ['Topic', readable(Buffer.from(topic))],
    ['Reason', `${reason}: ${detail}`],
    ...(index === undefined ? [] : [['Element', String(index)] as const]),
    ['Payload', size],
  ]);
  return `${pairs}\n${readable(payload)}`;
}

/** What is not text may not reach the terminal: it could hold escape sequences. */
function readable(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/[^\P{C}]/gu, '·');
}

function toRow(item: QuarantineItem, timezone: string): string[] {
  const payload = readable(item.payload);
  const size = item.cutFrom ?? item.payload.length;
  const short = payload.length > 60 ? `${payload.slice(0, 60)}… (${size} bytes)` : payload;
  const { id, device, reason, detail } = item;
  return [`${id}\n${formatTime(item.arrivedAt, timezone)}`, device, `${reason}: ${detail}\n${short}`];
}
