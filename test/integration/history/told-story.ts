import type { Redis } from 'ioredis';
import type { DeviceClass } from '../../../devices/device-class.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { shardOf } from '../../../devices/site.js';
import { readLedger } from '../../../ingest/ledger/redis-ledger.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import type { OutboxEntry, Transition } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { seededRandom } from '../../../simulators/city/seeded-random.js';
import { eventually } from '../../support/eventually.js';

/** Of the story: a Monday, 08:00 in China, some time ago. */
export const storyStart = Date.parse('2026-03-02T08:00:00+08:00');
export const storyMinutes = 240;
const site = 's1';
const shards = 4;
const sensors = ['d1', 'd2', 'd3', 'd4'];
const aps = ['ap1', 'ap2'];

/**
 * Four hours of a small school, told to a pipeline's log in seconds: rooms whose air goes bad and good again, a sensor
 * that falls silent, access points with radios and radar. Readings arrive two seconds after they were measured.
 * @returns the transitions that the pipeline made of it
 */
export async function tellStory(redis: Redis): Promise<readonly Transition[]> {
  for (const [ids, deviceClass] of [
    [sensors, 'sensor'],
    [aps, 'ap'],
  ] as const) {
    for (const device of ids)
      await issueCredentials(redis, {
        site,
        district: 'chancheng',
        device,
        deviceClass,
        room: `r-${device}`,
      });
  }
  const writer = new RedisLogWriter(redis);
  const records = [...story()];
  await Promise.all(records.map((record) => appendDurably(writer, shardOf(site, shards), record)));
  const messages = records.filter(({ kind }) => kind === 'message').length;
  await eventually('everything to be stored', async () => {
    const { received, written, pending } = await readLedger(redis);
    return received === messages && written === messages && pending === 0;
  });
  const last = await redis.xrevrange(redisKeys.log(shardOf(site, shards)), '+', '-', 'COUNT', 1);
  await eventually('everything to be judged', async () => {
    const cursor = await redis.hget(redisKeys.judge(shardOf(site, shards)), '@cursor');
    return last.length === 0 || cursor === last[0]?.[0];
  });
  const rows = await redis.xrange(redisKeys.outbox(shardOf(site, shards)), '-', '+');
  return rows.map(([, fields]) => (JSON.parse(fields[1] ?? '') as OutboxEntry).transition);
}

function* story(): Generator<LogRecord> {
  const random = seededRandom(7);
  const levels = new Map([...sensors, ...aps].map((id) => [id, random()]));
  yield { kind: 'opened', arrivedAt: storyStart };
  for (let minute = 0; minute < storyMinutes; minute++) {
    for (let second = 0; second < 60; second += 10) {
      const at = storyStart + minute * 60_000 + second * 1000;
      if (second === 30) {
        for (const [id, before] of levels) {
          const level = Math.min(1, Math.max(0, before + (random() - 0.5) / 3));
          levels.set(id, level);
          // For twenty minutes nothing is heard of one of them.
          if (id === 'd3' && minute >= 100 && minute < 120) continue;
          const m = {
            co2_ppm: Math.round(500 + 1500 * level),
            temp_c: 18 + 6 * level,
            occupied: random() < 0.3 ? 1 : 0,
          };
          if (sensors.includes(id)) yield message(id, 'sensor', 'telemetry', at, { ts: at, m });
          else {
            const radio = { chan_util_pct: Math.round(100 * level) };
            yield message(id, 'ap', 'telemetry', at, {
              ts: at,
              m: { clients: Math.round(40 * level) },
              parts: { radio5: radio, radio2: { chan_util_pct: 30 } },
            });
            if (random() < 0.08)
              yield message(id, 'ap', 'event', at + 1000, { ts: at + 1000, e: 'radar', channel: 52 });
          }
        }
      }
      yield { kind: 'tick', arrivedAt: at + 9000 };
    }
  }
}

function message(
  client: string,
  deviceClass: DeviceClass,
  stream: string,
  at: number,
  body: object,
): LogRecord {
  const topic = `campus/v1/${site}/${deviceClass}/${client}/${stream}`;
  return { kind: 'message', arrivedAt: at + 2000, client, topic, payload: Buffer.from(JSON.stringify(body)) };
}
