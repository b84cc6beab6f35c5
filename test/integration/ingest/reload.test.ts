import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { listAlarms } from '../../../alerts/redis-alarm-list.js';
import { announceMaintenance, endMaintenance } from '../../../devices/redis-maintenance.js';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably, compareIds } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import { decideMode } from '../../../ingest/rules/redis-rule-modes.js';
import type { Alarm } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import { eventually } from '../../support/eventually.js';
import { RoleProcess } from '../../support/role-process.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const minute = 60_000;
const t0 = Date.now() - 12 * 60 * minute;
let servers: [redis: TestServer, influx: TestServer];
let redis: Redis;
let folder: string;
let started: RoleProcess[] = [];
let seq = 0;

beforeAll(async () => {
  servers = await Promise.all([startTestRedis(), startTestInflux()]);
  redis = new Redis(servers[0].url);
});
beforeEach(async () => {
  await redis.flushall();
  await registerDevice(redis, { site: 's1', device: 'd1', deviceClass: 'sensor' });
  folder = await mkdtemp(join(tmpdir(), 'campus-rules-'));
  seq = 0;
});
afterEach(async () => {
  await Promise.all(started.map((ingest) => ingest.end()));
  started = [];
  await rm(folder, { recursive: true });
});
afterAll(async () => {
  redis.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

async function start(): Promise<RoleProcess> {
  const ingest = await RoleProcess.start('ingest', {
    REDIS_URL: servers[0].url,
    INFLUX_URL: servers[1].url,
    LOG_SHARDS: '1',
    LATENESS_LIMIT_S: String(86_400),
    RULES_DIR: folder,
    RULES_CATALOGUE: '0',
  });
  started.push(ingest);
  return ingest;
}

const rule = (id: string, condition: string, more = '') => `
- id: ${id}
  title: { zh: 规则, en: Rule }
  advice: { zh: 查看, en: Look }
  source: test
  class: sensor
  severity: minor
  condition: ${condition}
${more}`;

/** As editors save: written under another name, then renamed. */
async function edit(text: string, file = 'rules.yaml'): Promise<void> {
  await writeFile(join(folder, `.${file}.new`), text);
  await rename(join(folder, `.${file}.new`), join(folder, file));
}

/** So many minutes of the device, each a reading. */
async function append(minutes: number, m: Record<string, number>): Promise<void> {
  const writer = new RedisLogWriter(redis);
  for (const end = seq + minutes; seq < end; seq++) {
    const ts = t0 + seq * minute;
    const payload = Buffer.from(JSON.stringify({ ts, seq, boot: 'b', m }));
    const topic = 'campus/v1/s1/sensor/d1/telemetry';
    const record: LogRecord = { kind: 'message', arrivedAt: ts, client: 'd1', topic, payload };
    await appendDurably(writer, 0, record);
  }
}

const checkpoint = () => redis.hgetall(redisKeys.judge(0));
const judged = () =>
  eventually('everything to be judged', async () => {
    const [last] = await redis.xrevrange(redisKeys.log(0), '+', '-', 'COUNT', 1);
    return last === undefined || (await checkpoint())['@cursor'] === last[0];
  });
/** Waits until the judge goes by another set than this one. */
const reloaded = (before: string | undefined) =>
  eventually('other rules to be judged by', async () => {
    const now = (await checkpoint())['@rules'];
    return now !== before && now;
  });
const alarmOf = async (id: string, which: 'active' | 'all' = 'active'): Promise<Alarm | undefined> =>
  (await listAlarms(redis, which)).find((alarm) => alarm.rule === id);
const warningOf = async (ingest: RoleProcess) =>
  (await readRoleReports(redis)).find(({ pid }) => pid === ingest.pid)?.warning;

test('an edit to one rule keeps what the others are half through, and ends alarms of rules that are no more', async () => {
  const [hot, gone, dry] = [
    rule('hot', 'temp_c > 30', '  for: 60m\n'),
    rule('gone', 'co2_ppm > 1000'),
    rule('dry', 'rh_pct < 20'),
  ];
  await edit(hot + gone + dry);
  await start();
  await append(40, { temp_c: 35, co2_ppm: 1500, rh_pct: 50 });
  await eventually('the alarm', () => alarmOf('gone'));
  await judged();
  const before = (await checkpoint())['@rules'];
  // Readings go on while it is edited.
  const load = append(15, { temp_c: 35, co2_ppm: 1500, rh_pct: 50 });
  await edit(hot + dry.replace('< 20', '< 60'));
  await load;
  await reloaded(before);
  await append(10, { temp_c: 35, co2_ppm: 1500, rh_pct: 50 });

  const raised = await eventually('the alarm that was half through', () => alarmOf('hot'));
  expect(raised.raisedAt).toBe(t0 + 60 * minute);
  const ended = await eventually('the end of the alarm', async () => {
    const alarm = await alarmOf('gone', 'all');
    return alarm?.state === 'cleared' && alarm;
  });
  expect(ended.reason).toBe('rule_removed');
  const changed = await eventually('the alarm of the rule that was changed', () => alarmOf('dry'));
  expect(changed.history[0]?.condition).toBe('rh_pct < 60');
});

test('a broken set is refused whole, with its place, also by an ingest that starts meanwhile', async () => {
  await edit(rule('hot', 'temp_c > 30'));
  const ingest = await start();
  await append(1, { temp_c: 20 });
  await judged();
  await edit(rule('hot', 'temp_c > 10') + rule('bad', 'co2_mgm3 > 5'));
  const place = `${join(folder, 'rules.yaml')}:16:14: "co2_mgm3" is no metric of class sensor. Did you mean "co2_ppm"?`;
  expect(await eventually('the warning', () => warningOf(ingest))).toContain(place);
  expect(ingest.output).toContain('co2_mgm3');
  await append(1, { temp_c: 20 });
  await judged();
  expect(await listAlarms(redis, 'all')).toEqual([]);

  await ingest.end();
  const next = await start();
  expect(await eventually('the warning', () => warningOf(next))).toContain(place);
  await append(1, { temp_c: 31 });
  await eventually('the alarm by the rule of before', () => alarmOf('hot'));
  await edit(rule('hot', 'temp_c > 10'));
  await eventually('the warning to go', async () => (await warningOf(next)) === undefined);
});

test('a mode that somebody decides on is followed, whatever the file says, and until it is reset', async () => {
  await edit(rule('hot', 'temp_c > 30'));
  await start();
  await append(2, { temp_c: 35 });
  await eventually('the alarm', () => alarmOf('hot'));
  const decide = async (mode: 'on' | 'shadow' | 'off' | undefined) => {
    const before = (await checkpoint())['@rules'];
    await decideMode(redis, 'hot', mode, { by: 'test', at: Date.now() });
    await reloaded(before);
  };
  await decide('shadow');
  const ended = await eventually('the end of the alarm', async () => {
    const alarm = await alarmOf('hot', 'all');
    return alarm?.state === 'cleared' && alarm;
  });
  expect(ended).toMatchObject({ reason: 'rule_shadow', by: 'test' });
  await append(2, { temp_c: 35 });
  await eventually(
    'the shadow alarm',
    async () => (await listAlarms(redis, 'active', 'shadow')).length === 1,
  );
  await decide('off');
  await append(2, { temp_c: 35 });
  await eventually('the end of it', async () => (await listAlarms(redis, 'active', 'shadow')).length === 0);
  await judged();
  expect(await alarmOf('hot')).toBeUndefined();
  await decide(undefined);
  await append(2, { temp_c: 35 });
  await eventually('the alarm', () => alarmOf('hot'));
});

test('rules know of maintenance soon after it is announced, and of its end', async () => {
  await edit(rule('works', 'maintenance'));
  await start();
  const who = { by: 'test', at: t0 };
  const wanted = { device: 'd1', from: t0, until: t0 + 10 * 60 * minute, reason: 'new sensor' };
  const window = await announceMaintenance(redis, wanted, who);
  const readingUntil = (what: string, isSo: (alarm: Alarm | undefined) => boolean) =>
    eventually(what, async () => {
      await append(1, { temp_c: 20 });
      return isSo(await alarmOf('works'));
    });
  await readingUntil('the alarm', (alarm) => alarm !== undefined);
  await endMaintenance(redis, window.id, { ...who, at: t0 + 1 });
  await readingUntil('its end', (alarm) => alarm === undefined);
});

/** Kills an ingest that has recorded an alarm of the rule `hot`, and made no checkpoint since. */
async function killAfterRaise(): Promise<void> {
  // Only a kill between the two shows anything.
  for (let tries = 0; ; tries++) {
    expect(tries).toBeLessThan(20);
    const ingest = await start();
    await append(1, { temp_c: 20 });
    await judged();
    await append(1, { temp_c: 35 });
    await eventually('the alarm', () => alarmOf('hot'));
    await ingest.end();
    const { '@cursor': cursor = '', '@committed': committed = '' } = await checkpoint();
    if (compareIds(cursor, committed) < 0) return;
    await start();
    await append(1, { temp_c: 20 });
    await eventually('the end of the alarm', async () => (await alarmOf('hot')) === undefined);
    await started.pop()?.end();
  }
}
const endOf = (id: string) =>
  eventually('the end of the alarm', async () => {
    const alarm = await alarmOf(id, 'all');
    return alarm?.state === 'cleared' && alarm;
  });

test('an alarm that was raised just before a kill ends in order, though its rule was edited before the next start', async () => {
  await edit(rule('hot', 'temp_c > 30'));
  await killAfterRaise();
  // By these rules it would never have been raised.
  await edit(rule('hot', 'temp_c > 50'));
  const before = (await checkpoint())['@rules'];
  await start();
  await reloaded(before);
  await append(2, { temp_c: 20 });
  await eventually('the end of the alarm', async () => (await alarmOf('hot')) === undefined);
});

test('an alarm that was raised just before a kill ends in order, though work was announced before the next start', async () => {
  await edit(rule('hot', 'temp_c > 30 && !maintenance'));
  await killAfterRaise();
  const wanted = { device: 'd1', from: t0, until: t0 + 24 * 60 * minute, reason: 'new sensor' };
  await announceMaintenance(redis, wanted, { by: 'test', at: t0 });
  await start();
  await append(2, { temp_c: 20 });
  // It was found again, by what was known when it was found first.
  expect((await endOf('hot')).reason).toBeUndefined();
});

test('an alarm that is recorded and that nobody watches any more ends with the next start', async () => {
  await edit(rule('hot', 'temp_c > 30'));
  const ingest = await start();
  await append(2, { temp_c: 35 });
  await eventually('the alarm', () => alarmOf('hot'));
  await judged();
  await ingest.end();
  // As if the memory of it was lost.
  await redis.hdel(redisKeys.judge(0), 'e/d1');
  await start();
  expect((await endOf('hot')).reason).toBe('not_confirmed');
});
