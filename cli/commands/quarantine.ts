import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { listQuarantine, replayQuarantine } from '../../ingest/quarantine/redis-quarantine.js';
import type { QuarantineItem } from '../../ingest/quarantine/redis-quarantine.js';
import { AppError } from '../../runtime/app-error.js';
import { findInstance } from '../instance.js';
import { withRedis } from '../redis-session.js';
import { addSettingFlags, instanceSettings } from '../settings-flags.js';
import { formatTable } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

interface ListOptions extends Record<string, unknown> {
  readonly count: number;
  readonly reason?: string;
  readonly json?: boolean;
}

interface ReplayOptions extends Record<string, unknown> {
  readonly reason?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

// A replay goes through all that is kept.
const replayTimeoutMs = 60_000;

/** `campus quarantine list|replay` */
export function addQuarantineCommand(program: Command): void {
  const quarantine = program.command('quarantine');

  const list = quarantine
    .command('list')
    .summary('list them, newest first')
    .option('--count <n>', 'how many at most', parseCount, 20)
    .option('--reason <reason>', 'only those quarantined for this reason')
    .option('--json', 'print a JSON array; the payload is base64')
    .addHelpText('after', '\nExample:\n  $ campus quarantine list --reason not_json --count 100 --json');
  addSettingFlags(list, instanceSettings).action(async (options: ListOptions) => {
    const { settings, redisUrl } = findInstance(options);
    const { count, reason } = options;
    const items = await withRedis(redisUrl, (redis) => listQuarantine(redis, { count, reason }));
    if (options.json === true) {
      console.log(
        JSON.stringify(items.map((item) => ({ ...item, payload: item.payload.toString('base64') }))),
      );
    } else if (items.length === 0) {
      console.log('Nothing is in quarantine.');
    } else {
      console.log(
        formatTable(
          ['Id', 'Arrived', 'Device', 'Reason', 'Detail', 'Payload'],
          items.map((item) => toRow(item, settings.TIMEZONE)),
        ),
      );
    }
  });

  const replay = quarantine
    .command('replay [id...]')
    .summary('send them through the pipeline again, after a fix')
    .description('Sends messages through the pipeline again. What is still not understood comes back.')
    .option('--reason <reason>', 'those quarantined for this reason')
    .option('--all', 'all of them')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  $ campus quarantine replay --reason unknown_metric\n  $ campus quarantine replay --all',
    );
  addSettingFlags(replay, instanceSettings).action(async (ids: string[], options: ReplayOptions) => {
    if (ids.length === 0 && options.reason === undefined && options.all !== true) {
      throw new AppError('nothing_chosen', 'Say which messages: ids, --reason or --all.');
    }
    const { redisUrl } = findInstance(options);
    const filter = { reason: options.reason, ...(ids.length > 0 ? { ids } : {}) };
    const replayed = await withRedis(redisUrl, (redis) => replayQuarantine(redis, filter), replayTimeoutMs);
    console.log(
      options.json === true ? JSON.stringify({ replayed }) : `${replayed} sent through the pipeline again.`,
    );
  });
}

function toRow(item: QuarantineItem, timezone: string): string[] {
  // What is not text may not reach the terminal: it could hold escape sequences.
  const payload = item.payload.toString('utf8').replace(/[^\P{C}]/gu, '·');
  const size = item.cutFrom ?? item.payload.length;
  const short = payload.length > 40 ? `${payload.slice(0, 40)}… (${size} bytes)` : payload;
  const { id, device, reason, detail } = item;
  return [id, formatTime(item.arrivedAt, timezone), device, reason, detail, short];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return count;
}
