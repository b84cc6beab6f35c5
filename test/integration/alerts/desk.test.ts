import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ParsedMail } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Incident, IncidentEvent } from '../../../alerts/incidents/incident.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { readRoleReports } from '../../../runtime/redis-role-report.js';
import { alarms, campus, cityOf, told } from '../../support/desk-world.js';
import { eventually } from '../../support/eventually.js';
import { MailServer } from '../../support/mail-server.js';
import { RoleProcess } from '../../support/role-process.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let folder: string;
let mailServer: MailServer;
let mailPort: number;
let started: RoleProcess[] = [];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  await redis.set(redisKeys.shards, 4);
  const { devices, sites } = cityOf(school);
  for (const [id, device] of devices) await redis.hset(redisKeys.devices, id, JSON.stringify(device));
  for (const [id, site] of sites) await redis.hset(redisKeys.sites, id, JSON.stringify(site));
  folder = await mkdtemp(join(tmpdir(), 'campus-desk-'));
  mailPort = await freePort();
  mailServer = await MailServer.start(mailPort);
});
afterEach(async () => {
  await Promise.all(started.map((role) => role.end()));
  started = [];
  await mailServer.stop();
  await rm(folder, { recursive: true, force: true });
});

const school = campus('s1', 1, 85);
const { ap, sensor, gateway, co2 } = alarms;
/** A campus of 171 devices without power, as all its silences; how long a slow machine takes for it changes nothing. */
const outage = (kind: 'raise' | 'clear'): OutboxEntry[] =>
  [
    gateway('s1-gw-1'),
    ...Array.from({ length: 85 }, (_, i) => [ap(`s1-ap-${i + 1}`), sensor(`s1-env-${i + 1}`)]).flat(),
  ].map((alarm) => told(kind, alarm, 0, kind === 'raise' ? 0 : 600));

async function start(settings: Record<string, string> = {}): Promise<RoleProcess> {
  const role = await RoleProcess.start('alerts', {
    REDIS_URL: server.url,
    INFLUX_URL: 'http://127.0.0.1:1',
    DATA_DIR: folder,
    SMTP_URL: `smtp://127.0.0.1:${mailPort}`,
    MAIL_TO: 'duty@school.example',
    INCIDENT_WAIT_S: '3',
    FLEETING_S: '1',
    INCIDENT_QUIET_S: '1',
    RECOVERY_GRACE_S: '60',
    ...settings,
  });
  started.push(role);
  return role;
}

/** Some transitions of several shards, as one judge or another finds them. */
async function putOut(entries: readonly OutboxEntry[]): Promise<void> {
  const pipeline = redis.pipeline();
  entries.forEach((entry, i) => pipeline.xadd(redisKeys.outbox(i % 4), '*', 't', JSON.stringify(entry)));
  await pipeline.exec();
}

async function incidents(key: string): Promise<Incident[]> {
  return (await redis.hvals(key)).map((json) => JSON.parse(json) as Incident);
}

/** What the mails say, each mail once, however often it came. */
function mailsOnce(): string[] {
  const once = new Map(mailServer.mails.map((mail) => [mail.messageId, mail]));
  const header = (mail: ParsedMail, name: string) => mail.headers.get(name) as string;
  return [...once.values()].map(
    (mail) => `${header(mail, 'x-campus-notice')} ${header(mail, 'x-campus-alarm')}`,
  );
}

const gatewayAlarm = told('raise', gateway('s1-gw-1'), 0).alarm.id;

test('kills at many moments of an outage leave one incident, one opening and one closing mail', async () => {
  const kinds = ['raise', 'clear'] as const;
  for (const kind of kinds) {
    const entries = outage(kind);
    for (let part = 0; part < 5; part++) {
      const role = await start();
      await putOut(entries.slice(part * 35, (part + 1) * 35));
      // Somewhere in its first turns, or between the desk's, the relay's and the worker's steps.
      await sleep([5, 40, 110, 260, 700][(part + (kind === 'raise' ? 0 : 2)) % 5]);
      await role.end('SIGKILL');
    }
    await start();
    const done = kind === 'raise' ? 'opened' : 'closed';
    await eventually(`the mail "${done}"`, () => mailsOnce().includes(`${done} ${gatewayAlarm}`), 60_000);
    await Promise.all(started.map((role) => role.end()));
  }
  expect(mailsOnce()).toEqual([`opened ${gatewayAlarm}`, `closed ${gatewayAlarm}`]);
  const [opening, closing] = mailServer.mails;
  expect(closing?.inReplyTo).toBe(opening?.messageId);
  expect(await incidents(redisKeys.incidents)).toEqual([]);
  expect(await incidents(redisKeys.pastIncidents)).toMatchObject([
    { state: 'closed', alarms: 171, active: 0 },
  ]);
}, 180_000);

test('two alerts roles at once make each incident once, and the second goes on when the first is killed', async () => {
  const [first, second] = [await start(), await start()];
  await putOut(outage('raise'));
  await eventually('the mail', () => mailServer.mails.length > 0, 30_000);
  const notes = async () => (await readRoleReports(redis)).map(({ note }) => note ?? '');
  expect(await eventually('one stands by', async () => (await notes()).find((note) => note !== ''))).toMatch(
    /^stands by: incidents are made by another alerts role \(process \d+ on /,
  );
  const { pid } = JSON.parse((await redis.get(redisKeys.deskLease)) ?? '') as { pid: number };
  const desk = first.pid === pid ? first : second;
  await desk.end('SIGKILL');
  await putOut(outage('clear'));
  await eventually('the closing mail', () => mailsOnce().length > 1, 30_000);
  expect(mailsOnce()).toEqual([`opened ${gatewayAlarm}`, `closed ${gatewayAlarm}`]);
}, 180_000);

test('a desk that was stalled and replaced changes nothing when it wakes up', async () => {
  const stalled = await start();
  await putOut(outage('raise').slice(0, 60));
  await eventually(
    'the desk to have taken them',
    async () => (await redis.hlen(redisKeys.deskAlarms)) === 60,
  );
  stalled.pause();
  await start();
  await putOut(outage('raise').slice(60));
  await eventually('the mail', () => mailServer.mails.length > 0, 30_000);
  const before = await redis.hget(redisKeys.deskState, '@turn');
  stalled.resume();
  await eventually('it to see that it was replaced', () => stalled.output.includes('taken over'), 30_000);
  await putOut(outage('clear'));
  await eventually('the closing mail', () => mailsOnce().length > 1, 30_000);
  expect(Number(await redis.hget(redisKeys.deskState, '@turn'))).toBeGreaterThan(Number(before));
  expect(mailsOnce()).toEqual([`opened ${gatewayAlarm}`, `closed ${gatewayAlarm}`]);
}, 180_000);

test('5,000 alarms of a site in a second are one mail, and the story says so', async () => {
  await start();
  await putOut(Array.from({ length: 5000 }, (_, i) => told('raise', co2(`s9-env-${i}`, { site: 's9' }), 0)));
  await eventually('the mail', () => mailServer.mails.length > 0, 30_000);
  await eventually(
    'all to be in it',
    async () => (await incidents(redisKeys.incidents))[0]?.alarms === 5000,
    30_000,
  );
  const [incident] = await incidents(redisKeys.incidents);
  expect(mailServer.mails).toHaveLength(1);
  const story = async () =>
    (await redis.hvals(redisKeys.incidentStory(incident?.id ?? ''))).map(
      (json) => JSON.parse(json) as IncidentEvent,
    );
  const taken = await eventually('the mail in the story', async () =>
    (await story()).find(({ kind }) => kind === 'mail'),
  );
  expect(taken.text).toMatch(/^127\.0\.0\.1:\d+ took the mail "opened" to duty@school\.example$/);
  expect(await redis.scard(redisKeys.incidentAlarms(incident?.id ?? ''))).toBe(5000);
}, 180_000);

test('forgets what was over long ago, with all that belongs to it', async () => {
  await start({ INCIDENT_HISTORY_DAYS: '3650', INCIDENT_HISTORY_COUNT: '2', ALARM_HISTORY_COUNT: '3' });
  for (let n = 0; n < 5; n++) {
    await putOut([told('raise', co2(`d-${n}`), n)]);
    await eventually('an incident', async () => (await redis.hlen(redisKeys.incidents)) === 1);
    await putOut([told('clear', co2(`d-${n}`), n, n + 60)]);
    await eventually('no incident', async () => (await redis.hlen(redisKeys.incidents)) === 0);
  }
  await eventually('two to be left', async () => (await redis.hlen(redisKeys.pastIncidents)) === 2, 30_000);
  await eventually(
    'three alarms to be left',
    async () => (await redis.hlen(redisKeys.deskPastAlarms)) === 3,
    30_000,
  );
  expect(await redis.zcard(redisKeys.pastIncidentsOrder)).toBe(2);
  expect(await redis.keys(redisKeys.incidentStory('*'))).toHaveLength(2);
  expect(await redis.keys(redisKeys.incidentAlarms('*'))).toHaveLength(2);
}, 180_000);
