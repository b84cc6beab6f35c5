import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { anchorFileOf, readAnchors } from '../../../alerts/anchor-file.js';
import { AuditKeeper } from '../../../alerts/redis-audit-keeper.js';
import { exportAudit } from '../../../cli/audit/export-audit.js';
import { verifyExport, verifyRedisAudit } from '../../../cli/audit/verify-audit.js';
import type { AuditEvent } from '../../../devices/audit.js';
import { appendAudit, listAudit, listRuleDecisions, trimAudit } from '../../../devices/redis-audit.js';
import { addAccount } from '../../../devices/redis-accounts.js';
import { issueCredentials } from '../../../devices/redis-credentials.js';
import { decideMode } from '../../../ingest/rules/redis-rule-modes.js';
import { createClock } from '../../../runtime/clock.js';
import { createLogger } from '../../../runtime/logger.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

let server: TestServer;
let redis: Redis;
let folder: string;

beforeAll(async () => {
  server = await startTestRedis();
  redis = new Redis(server.url);
  folder = await mkdtemp(join(tmpdir(), 'audit-'));
});
beforeEach(async () => {
  await redis.flushall();
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(folder, { recursive: true });
});

const event = (i: number): AuditEvent => ({
  at: 1000 + i,
  by: '@王',
  what: 'rule.mode',
  id: `r${i}`,
  after: 'off',
});
const append = async (count: number) => {
  for (let i = 1; i <= count; i++) await appendAudit(redis, [event(i)]);
};
const kinds = async (anchors: Parameters<typeof verifyRedisAudit>[1] = []) =>
  (await verifyRedisAudit(redis, anchors, 0)).problems.map(({ kind, seq }) => `${kind} ${seq}`);

test('many write at once, and the chain has neither gap nor fork', async () => {
  const writers = Array.from({ length: 4 }, () => new Redis(server.url));
  await Promise.all(
    writers.flatMap((writer, w) =>
      Array.from({ length: 50 }, (_, i) => appendAudit(writer, [event(100 * w + i), event(1000 + i)])),
    ),
  );
  for (const writer of writers) writer.disconnect();
  expect(await verifyRedisAudit(redis, [], 0)).toMatchObject({
    records: 400,
    last: { seq: 400 },
    problems: [],
  });
});

test('what changes rules, accounts and credentials is on record with who did it, and no secret is', async () => {
  await decideMode(redis, 'co2-high', 'off', { by: 'cli:wang', at: 5 });
  await issueCredentials(redis, { site: 's1', device: 'd1', deviceClass: 'ap' }, 'cli:li');
  const { password } = await addAccount(
    redis,
    { name: 'zhao', kind: 'operator', sites: ['s1'], districts: [] },
    'cli:li',
  );
  const records = await listAudit(redis, { count: 10 });
  expect(records.map(({ what, id, by }) => `${what} ${id} ${by}`)).toEqual([
    'account.added zhao cli:li',
    'credentials.issued d1 cli:li',
    'device.registered d1 cli:li',
    'rule.mode co2-high cli:wang',
  ]);
  expect(JSON.stringify(records)).not.toMatch(new RegExp(`${password}|hash":"[^"]{4,62}"`));
  expect(await listRuleDecisions(redis, 5)).toEqual([{ at: 5, by: 'cli:wang', id: 'co2-high', to: 'off' }]);
  expect(await kinds()).toEqual([]);
});

test('whatever is done to it in Redis is found', async () => {
  const fields = async (seq: number) => (await redis.xrange(redisKeys.audit, seq, seq))[0]?.[1] ?? [];
  /** A stream can't be changed in its middle: it is made anew. */
  const rebuild = async (edit: (seq: number, body: string, hash: string) => readonly [string, string]) => {
    const rows = await redis.xrange(redisKeys.audit, '-', '+');
    await redis.del(redisKeys.audit);
    for (const [id, [, body = '', , prev = '', , hash = '']] of rows) {
      const [e, h] = edit(parseInt(id), body, hash);
      await redis.xadd(redisKeys.audit, id, 'e', e, 'p', prev, 'h', h);
    }
  };
  const fresh = async () => {
    await redis.flushall();
    await append(6);
  };
  await fresh();
  await rebuild((seq, body, hash) => [seq === 3 ? body.replace('off', 'on') : body, hash]);
  expect(await kinds()).toEqual(['changed 3']);
  await fresh();
  await rebuild((seq, body, hash) => [body, seq === 3 ? 'f'.repeat(64) : hash]);
  expect(await kinds()).toEqual(['changed 3', 'rewritten 4']);
  await fresh();
  await rebuild((seq, body, hash) => [seq === 3 ? ` ${body}` : body, hash]);
  expect(await kinds()).toEqual(['changed 3']);
  await fresh();
  await rebuild((seq, body, hash) => [seq === 3 ? 'rubbish' : body, hash]);
  expect(await kinds()).toEqual(['changed 3']);
  await fresh();
  await redis.xdel(redisKeys.audit, '4-0');
  expect(await kinds()).toEqual(['removed 4']);
  await fresh();
  await redis.xdel(redisKeys.audit, '6-0');
  expect(await kinds()).toEqual(['truncated 6']);
  await fresh();
  await redis.xadd(redisKeys.audit, '7-0', ...(await fields(5)));
  // Behind what is noted as the end nothing is read; the next one that is written says so.
  await expect(appendAudit(redis, [event(7)])).rejects.toThrow(/ID/);
  await fresh();
  await redis.del(redisKeys.audit, redisKeys.auditHead);
  expect(await kinds([{ seq: 6, hash: 'x', at: 0 }])).toEqual(['truncated 1']);
});

test('an export is verified by itself: each byte of each line counts, and a line more or less', async () => {
  await append(6);
  const lines: string[] = [];
  for await (const line of exportAudit(redis, { from: 1002, to: 1006, now: 9 })) lines.push(line);
  expect(lines).toHaveLength(6);
  const file = join(folder, 'export.ndjson');
  const verdict = async (text: readonly string[]) => {
    await writeFile(file, `${text.join('\n')}\n`);
    return verifyExport(file, []);
  };
  expect(await verdict(lines)).toMatchObject({ records: 4, last: { seq: 5 }, problems: [] });
  for (let i = 0; i < lines.length; i++) {
    const without = lines.filter((_, j) => j !== i);
    if (i > 0) expect((await verdict(without)).problems, `line ${i} removed`).not.toEqual([]);
    else await expect(verdict(without)).rejects.toThrow('no export');
    const line = lines[i] ?? '';
    const digit = line.search(/[0-9a-f]{64}/) + 5;
    const changed = line.slice(0, digit) + (line[digit] === '0' ? '1' : '0') + line.slice(digit + 1);
    const changes = lines.map((each, j) => (j === i ? changed : each));
    expect((await verdict(changes)).problems, `line ${i} changed`).not.toEqual([]);
    expect(
      (await verdict([...lines.slice(0, i + 1), ...lines.slice(i)])).problems,
      `line ${i} twice`,
    ).not.toEqual([]);
  }
  expect((await verdict([...lines.slice(0, -2), '{"seq":5', lines.at(-1) ?? ''])).problems).not.toEqual([]);
});

test('what is too old goes, the chain stays whole, and the anchors tell of an end that was cut off', async () => {
  const warned: string[] = [];
  const log = createLogger('test', 'silent');
  log.error = (message: string) => warned.push(message);
  const clock = createClock({ kind: 'wall' }, () => 1_000_000);
  const file = anchorFileOf(folder);
  const keep = () => new AuditKeeper({ redis, clock, log, file, keptDays: 1 });
  await append(5);
  await keep().anchor();
  await keep().anchor();
  expect((await readAnchors(file)).map(({ seq }) => seq)).toEqual([5]);
  await append(2);
  await keep().trim();
  const anchors = await readAnchors(file);
  expect(anchors.map(({ seq }) => seq)).toEqual([5, 7]);
  expect(await redis.xlen(redisKeys.audit)).toBe(7);
  expect(await trimAudit(redis, 1004)).toBe(3);
  await append(1);
  expect(await verifyRedisAudit(redis, anchors, 0)).toMatchObject({
    records: 5,
    last: { seq: 8 },
    problems: [],
  });
  // A line that was cut short by a crash is no anchor, and does not hide the others.
  await writeFile(file, `${(await readFile(file, 'utf8')).trimEnd()}\n{"seq":`);
  await redis.xtrim(redisKeys.audit, 'MAXLEN', 0);
  await redis.hset(redisKeys.auditHead, { seq: 5, hash: anchors[0]?.hash ?? '' });
  await keep().anchor();
  expect(warned.join()).toContain('its end was removed');
});
