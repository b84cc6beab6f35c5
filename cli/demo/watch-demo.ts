import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listAlarms } from '../../alerts/redis-alarm-list.js';
import { readLedger } from '../../ingest/ledger/redis-ledger.js';
import type { Alarm } from '../../rules/alarm.js';
import { createLogger } from '../../runtime/logger.js';
import { connectRedis } from '../../runtime/redis-connection.js';
import type { Pipeline } from '../supervisor/start-pipeline.js';
import type { Steps } from '../terminal/steps.js';
import { shortPath } from '../terminal/table.js';
import { formatTime } from '../terminal/time.js';

const lookEveryMs = 1000;
// On a log file a line a second would bury the rest.
const plainEveryMs = 5000;

/**
 * Shows what comes of the demo until the signal is aborted: readings stored, alarms raised and cleared, mails
 * written. A pipeline part that is away just now is looked for again.
 */
export async function watchDemo(pipeline: Pipeline, steps: Steps, stop: AbortSignal): Promise<void> {
  const { settings, clock } = pipeline;
  const outbox = join(settings.DATA_DIR, 'outbox');
  const seen = { alarms: undefined as Map<string, Alarm['state']> | undefined, mails: mailsIn(outbox) };
  const time = (at: number) => formatTime(at, settings.TIMEZONE).slice(0, 16);
  let shown = '';
  let saidAt = 0;
  const look = async (say: (doing: string) => void) => {
    const [ledger, alarms] = await Promise.all([readLedger(redis), listAlarms(redis, 'all')]);
    for (const line of shorten(alarmNews(seen.alarms, alarms, time), 'alarms')) steps.note(line);
    seen.alarms = new Map(alarms.map(({ id, state }) => [id, state]));
    const mails = mailsIn(outbox);
    const written = [...mails].filter((mail) => !seen.mails.has(mail));
    const lines = written.map((mail) => `     mail     ${shortPath(join(outbox, mail))}`);
    for (const line of shorten(lines, 'mails')) steps.note(line);
    seen.mails = mails;
    const active = alarms.filter(({ state }) => state === 'active').length;
    shown =
      `${time(clock.now())} simulated: ${ledger.written} readings stored, ${active} alarms active, ` +
      `${alarms.length - active} cleared, ${mails.size} mails`;
    if (process.stdout.isTTY || Date.now() - saidAt >= plainEveryMs) {
      saidAt = Date.now();
      say(shown);
    }
  };
  const redis = connectRedis(settings.REDIS_URL, createLogger('demo', 'silent'), { commandTimeout: 5000 });
  await steps.run(
    'Demo',
    async (say) => {
      while (!stop.aborted) {
        await look(say).catch(() => undefined);
        await sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined);
      }
    },
    () => shown,
  );
  redis.disconnect();
}

/** A line for each alarm that came or went since the last look, oldest first; none at the first look. */
export function alarmNews(
  known: ReadonlyMap<string, Alarm['state']> | undefined,
  alarms: readonly Alarm[],
  time: (at: number) => string,
): string[] {
  if (known === undefined) return [];
  const changed = alarms.filter(({ id, state }) => known.get(id) !== state);
  return changed
    .map((alarm) => ({ alarm, at: alarm.clearedAt ?? alarm.raisedAt }))
    .sort((a, b) => a.at - b.at)
    .map(({ alarm, at }) => {
      const what = alarm.state === 'active' ? 'raised ' : 'cleared';
      const { severity, title, site, room } = alarm;
      return `     ${what}  ${time(at)}  ${site}, ${room}: ${title.zh} / ${title.en} (${severity})`;
    });
}

/** A whole city's classrooms fill up at the same time: a few lines stand for all. */
export function shorten(lines: readonly string[], what: string, limit = 3): readonly string[] {
  if (lines.length <= limit) return lines;
  return [...lines.slice(0, limit), `              and ${lines.length - limit} more ${what}`];
}

function mailsIn(outbox: string): Set<string> {
  return new Set(existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith('.eml')) : []);
}
