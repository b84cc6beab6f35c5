import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAlerts } from '../../../alerts/app.js';
import { freePort } from '../../../cli/stores/free-port.js';
import type { DeskAlarm } from '../../../alerts/incidents/desk-alarm.js';
import type { Incident } from '../../../alerts/incidents/incident.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import type { ClockSpec } from '../../../runtime/clock.js';
import { LifeCycle } from '../../../runtime/life-cycle.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import type { RoleContext } from '../../../runtime/role.js';
import type { SettingName } from '../../../runtime/settings.js';
import { alarmEntry } from '../../support/alarm-entry.js';
import { noticeOf } from '../../support/incident-notice.js';
import { eventually } from '../../support/eventually.js';
import { MailServer } from '../../support/mail-server.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let folder: string;
let started: RoleContext[];
let mailServers: MailServer[];

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url, { maxRetriesPerRequest: null, replyMapping: 'legacy' });
  redis.on('error', () => undefined);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
  await redis.set(redisKeys.shards, 4);
  folder = await mkdtemp(join(tmpdir(), 'campus-alerts-'));
  started = [];
  mailServers = [];
});
afterEach(async () => {
  await Promise.all(started.map((context) => context.lifeCycle.stop()));
  await Promise.all(mailServers.map((mailServer) => mailServer.stop()));
  await rm(folder, { recursive: true, force: true });
});

interface StartOptions {
  readonly clock?: ClockSpec;
  /** Each teardown's time; 1 is what a kill leaves behind: cut connections and a job that nobody has. */
  readonly stopWithinMs?: number;
}

async function start(
  settings: Partial<Record<SettingName, string>> = {},
  { clock, stopWithinMs }: StartOptions = {},
): Promise<RoleContext> {
  // Nobody waits for long in a test: half a second stands for ten, or for a minute.
  const quick = { INCIDENT_WAIT_S: '0.5', FLEETING_S: '0.3', INCIDENT_QUIET_S: '0.3', RECOVERY_GRACE_S: '1' };
  const usual = createTestContext(
    { redisUrl: server.url },
    { DATA_DIR: folder, ...quick, ...settings },
    clock,
  );
  const context = { ...usual, lifeCycle: new LifeCycle(usual.log, stopWithinMs) };
  started.push(context);
  await startAlerts(context);
  return context;
}

async function startMailServer(
  port: number,
  answers?: Parameters<typeof MailServer.start>[1],
): Promise<MailServer> {
  const mailServer = await MailServer.start(port, answers);
  mailServers.push(mailServer);
  return mailServer;
}

function smtp(port: number, to = 'duty@school.example'): Partial<Record<SettingName, string>> {
  return { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_TO: to };
}

/** What the judge does, in shard `shard`. */
async function putOut(entry: OutboxEntry, shard = 0): Promise<void> {
  await redis
    .multi()
    .hset(redisKeys.alarms(shard), entry.alarm.id, JSON.stringify(entry.alarm))
    .xadd(redisKeys.outbox(shard), '*', 't', JSON.stringify(entry))
    .exec();
}

async function outboxLength(): Promise<number> {
  const lengths = await Promise.all([0, 1, 2, 3].map((shard) => redis.xlen(redisKeys.outbox(shard))));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** The notice that the incident of the usual alarm is opened with. */
const opened = noticeOf(alarmEntry()).id;

const emlFiles = async () =>
  (await readdir(join(folder, 'outbox')).catch(() => [])).filter((name) => name.endsWith('.eml'));

/** All jobs are done, so that a mail too many would have gone out by now. */
async function allSettled(): Promise<void> {
  await eventually('all jobs to be done', async () => {
    if ((await outboxLength()) > 0 || (await redis.xlen(redisKeys.notices)) > 0) return false;
    // Nor does anything wait at the desk.
    const waiting = (await redis.hvals(redisKeys.deskAlarms)).map((json) => JSON.parse(json) as DeskAlarm);
    if (waiting.some(({ state, incident }) => state === 'active' && incident === undefined)) return false;
    const open = (await redis.hvals(redisKeys.incidents)).map((json) => JSON.parse(json) as Incident);
    if (open.some(({ quietAt, recheckAt }) => quietAt !== undefined || recheckAt !== undefined)) return false;
    const jobs = ['wait', 'active'].map((state) => redis.llen(`${redisKeys.bullPrefix}:notify:${state}`));
    const delayed = redis.zcard(`${redisKeys.bullPrefix}:notify:delayed`);
    return (await Promise.all([...jobs, delayed])).every((count) => count === 0);
  });
}

async function countMails(context: RoleContext, result: string): Promise<number> {
  const { values } = (await context.metrics.getSingleMetric('pc_mails_total')?.get()) ?? { values: [] };
  return values.find((value) => value.labels['result'] === result)?.value ?? 0;
}

describe('alerts with a mail server', () => {
  it('sends one mail per step of an incident and recipient, from all shards, and empties the outboxes', async () => {
    const port = await freePort();
    const { mails } = await startMailServer(port);
    for (let n = 0; n < 8; n++) await putOut(alarmEntry({ device: `co2-${n}` }), n % 4);
    const context = await start(smtp(port, '张老师 <zhang@school.example>, li@school.example'));
    await eventually('the opening mails', () => mails.length >= 16);
    await putOut(alarmEntry({ kind: 'clear', device: 'co2-3' }), 3);
    await eventually('18 mails', () => mails.length >= 18);
    await allSettled();
    expect(mails).toHaveLength(18);
    expect(new Set(mails.map((mail) => mail.messageId)).size).toBe(18);
    expect(await countMails(context, 'sent')).toBe(18);
  });

  it('does not send again what is put out again, in the same process or in the next', async () => {
    const port = await freePort();
    const { mails } = await startMailServer(port);
    const first = await start(smtp(port));
    await putOut(alarmEntry());
    await putOut(alarmEntry());
    await eventually('a mail', () => mails.length > 0);
    await allSettled();
    await first.lifeCycle.stop();
    // As if BullMQ had forgotten its job by now.
    await redis.del(`${redisKeys.bullPrefix}:notify:${opened}`);
    await redis.del(redisKeys.deskAlarms, redisKeys.incidents);
    await putOut(alarmEntry());
    await start(smtp(port));
    await putOut(alarmEntry({ device: 'another' }));
    await eventually('the mail about another device', () => mails.length > 1);
    await allSettled();
    expect(mails.map((mail) => mail.headers.get('x-campus-alarm'))).toEqual([
      alarmEntry().alarm.id,
      alarmEntry({ device: 'another' }).alarm.id,
    ]);
  });

  it('keeps the mails while the mail server is away, and sends them once when it is back', async () => {
    const port = await freePort();
    const context = await start(smtp(port));
    await putOut(alarmEntry({ device: 'a' }));
    await putOut(alarmEntry({ device: 'b' }));
    await eventually('failed tries', async () => (await countMails(context, 'failed')) >= 3);
    expect(await outboxLength()).toBe(0);
    const { mails } = await startMailServer(port);
    await eventually('two mails', () => mails.length >= 2, 40_000);
    await allSettled();
    expect(new Set(mails.map((mail) => mail.headers.get('x-campus-alarm'))).size).toBe(2);
    expect(mails).toHaveLength(2);
  });

  it('tells of the end of an incident after its beginning, in the same thread, even if that one is held up', async () => {
    const port = await freePort();
    const confirmed: ParsedMail[] = [];
    let tries = 0;
    await startMailServer(port, {
      beforeConfirming: (mail) => {
        const heldUp = mail.headers.get('x-campus-notice') === 'opened' && ++tries < 3;
        if (heldUp) throw Object.assign(new Error('try again later'), { responseCode: 451 });
        confirmed.push(mail);
      },
    });
    await start(smtp(port));
    await putOut(alarmEntry());
    await eventually('the incident', async () => (await redis.hlen(redisKeys.incidents)) === 1);
    await putOut(alarmEntry({ kind: 'clear' }));
    await eventually('two mails', () => confirmed.length >= 2, 40_000);
    await allSettled();
    const [raise, clear, ...more] = confirmed;
    expect(raise?.headers.get('x-campus-notice')).toBe('opened');
    expect(clear?.headers.get('x-campus-notice')).toBe('closed');
    expect(clear?.inReplyTo).toBe(raise?.messageId);
    expect(clear?.references).toBe(raise?.messageId);
    expect(more).toEqual([]);
  });

  it('says in its role report that the mail server is away, and no more once it is back', async () => {
    const port = await freePort();
    await start(smtp(port));
    await putOut(alarmEntry());
    const trouble = async () => {
      const [json = '{}'] = await redis.hvals(redisKeys.roles);
      return (JSON.parse(json) as { trouble?: string }).trouble;
    };
    expect(await eventually('trouble', trouble)).toMatch(
      /^The mail server 127\.0\.0\.1:\d+ does not take mails: .*ECONNREFUSED/,
    );
    await startMailServer(port);
    await eventually('no trouble', async () => (await trouble()) === undefined, 40_000);
  });

  it('delivers to the others when one recipient is refused, and does not try that one again', async () => {
    const port = await freePort();
    const { mails, named } = await startMailServer(port, {
      refuse: (address) => (address.startsWith('gone') ? '550 5.1.1 no such user' : undefined),
    });
    const context = await start(smtp(port, 'gone@school.example, duty@school.example'));
    await putOut(alarmEntry());
    await eventually('a mail', () => mails.length > 0);
    await allSettled();
    expect(named).toEqual(['gone@school.example', 'duty@school.example']);
    expect(await countMails(context, 'refused')).toBe(1);
    const record = await redis.hget(redisKeys.sent, `${opened}|gone@school.example`);
    expect(record).toMatch(/^refused \d+ 550 5\.1\.1 no such user/);
  });

  it('tries again when the mail server says that it is busy', async () => {
    const port = await freePort();
    let tries = 0;
    const { mails } = await startMailServer(port, {
      refuse: () => (++tries < 3 ? '451 try again later' : undefined),
    });
    await start(smtp(port));
    await putOut(alarmEntry());
    await eventually('a mail', () => mails.length > 0);
    await allSettled();
    expect(mails).toHaveLength(1);
    expect(tries).toBe(3);
  });

  it('loses no mail when the process goes away in the middle of one: the next sends it with the same Message-ID', async () => {
    const port = await freePort();
    let hang = true;
    const { mails } = await startMailServer(port, {
      // The first mail is taken but never confirmed.
      beforeConfirming: () => (hang ? new Promise(() => undefined) : undefined),
    });
    const first = await start(smtp(port), { stopWithinMs: 1 });
    await putOut(alarmEntry());
    await eventually('the first try', () => mails.length === 1);
    expect(await redis.hget(redisKeys.sent, `${opened}|duty@school.example`)).toMatch(/^sending /);
    hang = false;
    await first.lifeCycle.stop();
    await start(smtp(port));
    await eventually('the second try', () => mails.length === 2, 50_000);
    await allSettled();
    expect(mails).toHaveLength(2);
    expect(mails[1]?.messageId).toBe(mails[0]?.messageId);
    expect(await redis.hget(redisKeys.sent, `${opened}|duty@school.example`)).toMatch(/^sent /);
  });

  it('goes on by itself after Redis was killed', async () => {
    const port = await freePort();
    const { mails } = await startMailServer(port);
    await start(smtp(port));
    await putOut(alarmEntry());
    await eventually('a mail', () => mails.length === 1);
    await allSettled();
    await server.kill();
    await server.restart();
    await putOut(alarmEntry({ device: 'after' }));
    await eventually('a mail after the restart', () => mails.length > 1);
    await allSettled();
    expect(mails.map((mail) => mail.headers.get('x-campus-alarm'))).toEqual([
      alarmEntry().alarm.id,
      alarmEntry({ device: 'after' }).alarm.id,
    ]);
  });

  it('leaves an outbox entry that can not be read where it is, and hands on the others', async () => {
    const port = await freePort();
    const { mails } = await startMailServer(port);
    await redis.xadd(redisKeys.outbox(1), '*', 't', '{not json');
    await putOut(alarmEntry(), 1);
    await start(smtp(port));
    await eventually('a mail', () => mails.length > 0);
    await eventually('only the unreadable entry to be left', async () => (await outboxLength()) === 1);
  });
});

describe('alerts without a mail server', () => {
  it('writes mails that a mail program reads, with both languages and the headers of a machine', async () => {
    await redis.hset(
      redisKeys.sites,
      'school-7',
      JSON.stringify({ id: 'school-7', kind: 'campus', district: 'nanhai', nameZh: '实验小学' }),
    );
    const originAt = alarmEntry().transition.at;
    await start({}, { clock: { kind: 'simulated', originAt, anchorAt: Date.now(), speed: 1 } });
    await putOut(alarmEntry());
    await eventually('the incident', async () => (await redis.hlen(redisKeys.incidents)) === 1);
    await putOut(alarmEntry({ kind: 'clear' }));
    const names = await eventually('two files', async () => {
      const files = await emlFiles();
      // In one second both have the same time in their names.
      return files.length === 2 && files.sort((a) => (a.includes(opened) ? -1 : 1));
    });
    expect(names[0]).toContain(opened);
    const [raise, clear] = await Promise.all(
      names.map(async (name) => simpleParser(await readFile(join(folder, 'outbox', name)))),
    );
    for (const mail of [raise, clear]) {
      expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
      expect(mail?.headers.get('x-campus-severity')).toBe('major');
      expect(mail?.from?.value).toEqual([
        { name: '感知校园 Perception Campus', address: 'campus@localhost' },
      ]);
      expect(mail?.to).toMatchObject({ text: 'duty@localhost' });
      for (const body of [mail?.text, mail?.html]) {
        expect(body).toContain('教室二氧化碳过高');
        expect(body).toContain('Classroom CO2 too high');
        expect(body).toContain('实验小学');
        expect(body).toContain('模拟时钟');
      }
    }
    expect(raise?.subject).toContain('教室二氧化碳过高');
    expect(clear?.inReplyTo).toBe(raise?.messageId);
  });

  it('writes a mail that was already written to the same file', async () => {
    const context = await start();
    await putOut(alarmEntry());
    await eventually('a file', async () => (await emlFiles()).length === 1);
    await allSettled();
    const job = `${redisKeys.bullPrefix}:notify:${opened}`;
    const notice = (await redis.hget(job, 'data')) ?? '';
    await redis.del(redisKeys.sent, job);
    await redis.xadd(redisKeys.notices, '*', 't', notice);
    await eventually('the second writing', async () => (await countMails(context, 'sent')) === 2);
    expect(await emlFiles()).toHaveLength(1);
  });

  it('keeps the mails while the folder can not be written', async () => {
    // A file in its place: permissions would not stop root.
    await writeFile(join(folder, 'outbox'), '');
    const context = await start();
    await putOut(alarmEntry());
    await eventually('a failed try', async () => (await countMails(context, 'failed')) > 0);
    await rm(join(folder, 'outbox'));
    await eventually('a file', async () => (await emlFiles()).length === 1);
  });

  it('writes nothing about alarms below the least severity', async () => {
    await start({ MAIL_MIN_SEVERITY: 'major' });
    await putOut(alarmEntry({ severity: 'minor', device: 'minor' }));
    await putOut(alarmEntry({ severity: 'critical', device: 'critical' }));
    await eventually('a file', async () => (await emlFiles()).length > 0);
    await allSettled();
    expect(await emlFiles()).toEqual([expect.stringContaining('co2-act~critical_')]);
  });
});

it('refuses to start with a recipient that is no mail address', async () => {
  await expect(start({ MAIL_TO: 'the duty officer' })).rejects.toThrow(
    /MAIL_TO=the duty officer must be a mail address/,
  );
});
