import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerDevice } from '../../../devices/redis-registry.js';
import type { KeptPresence } from '../../../devices/presence.js';
import { shardOf } from '../../../devices/site.js';
import type { LogRecord } from '../../../ingest/log/frame.js';
import { appendDurably } from '../../../ingest/log/log.js';
import { RedisLogWriter } from '../../../ingest/log/redis-log-writer.js';
import type { OutboxEntry } from '../../../rules/alarm.js';
import { redisKeys } from '../../../runtime/redis-keys.js';
import { eventually } from '../../support/eventually.js';
import { FakeInflux } from '../../support/fake-influx.js';
import { RoleProcess } from '../../support/role-process.js';
import { seededRandom } from '../../../simulators/city/seeded-random.js';
import { startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';

const shards = 2;
const devicesPerShard = 4;
const minute = 60_000;
/** A site in each shard. */
const sites = Array.from(
  { length: shards },
  (_, shard) => ['a', 'b', 'c', 'd', 'e'].find((site) => shardOf(site, shards) === shard) ?? '',
);
/** More make a longer run. */
const wantedKills = Number(process.env['KILLS'] ?? 12);
/** Of the rules, in the midst of the kills. */
const wantedEdits = 2;

let server: TestServer;
let influx: FakeInflux;
/** Rules of one's own, beside the catalogue. */
let folder: string;

beforeAll(async () => {
  [server, influx] = await Promise.all([startTestRedis(), FakeInflux.start('2.x')]);
  folder = await mkdtemp(join(tmpdir(), 'campus-rules-'));
  await editRules(0);
});
afterAll(async () => {
  await Promise.all([server.stop(), influx.stop()]);
  await rm(folder, { recursive: true });
});

/** A rule of which each edition finds something else, one that half of the editions have, and one that stays. */
async function editRules(edition: number): Promise<void> {
  const rule = (id: string, condition: string, holdMinutes: number) =>
    `- id: ${id}\n  title: { zh: 规则, en: Rule }\n  advice: { zh: 查看, en: Look }\n  source: test\n` +
    `  class: sensor\n  severity: minor\n  condition: ${condition}\n  for: ${holdMinutes}m\n`;
  const rules = [
    rule('edited', `co2_ppm > ${2200 + 20 * edition}`, 0),
    ...(edition % 2 === 0 ? [rule('now-and-then', 'mean(co2_ppm, "10m") > 800', 0)] : []),
    rule('lasting', 'mean(co2_ppm, "10m") > 900', 5),
  ];
  await writeFile(join(folder, 'rules.new'), rules.join(''));
  await rename(join(folder, 'rules.new'), join(folder, 'rules.yaml'));
}

/** One pipeline's stores: the two differ only in what happens to their ingest. */
class Pipeline {
  readonly redis: Redis;
  readonly #url: string;
  readonly #writer: RedisLogWriter;

  constructor(database: number) {
    this.#url = `${server.url}/${database}`;
    this.redis = new Redis(this.#url);
    this.#writer = new RedisLogWriter(this.redis);
  }

  /** The first device of each site is what the others of it are reached through. */
  async register(): Promise<void> {
    for (let i = 0; i < shards * devicesPerShard; i++) {
      const device = { site: sites[i % shards] ?? '', device: `d${i}`, deviceClass: 'sensor' } as const;
      const record = await registerDevice(this.redis, device);
      const parent = i < shards ? undefined : `d${i % shards}`;
      await this.redis.hset(redisKeys.devices, record.id, JSON.stringify({ ...record, parent }));
    }
  }

  startIngest(): Promise<RoleProcess> {
    return RoleProcess.start('ingest', {
      REDIS_URL: this.#url,
      INFLUX_URL: influx.url,
      INFLUX_TOKEN: 'secret',
      INFLUX_ORG: 'bureau',
      LOG_SHARDS: String(shards),
      RULES_DIR: folder,
      // The story is days long and told in seconds.
      LATENESS_LIMIT_S: String(30 * 86_400),
    });
  }

  append(shard: number, record: LogRecord): Promise<void> {
    return appendDurably(this.#writer, shard, record);
  }

  /** Whether both followers have checkpointed all that is in the log. */
  async isDone(): Promise<boolean> {
    for (let shard = 0; shard < shards; shard++) {
      const [last] = await this.redis.xrevrange(redisKeys.log(shard), '+', '-', 'COUNT', 1);
      const cursors = await Promise.all(
        (['store', 'judge'] as const).map((name) => this.redis.hget(redisKeys[name](shard), '@cursor')),
      );
      // A trimmed log is empty: both have been at its end.
      if (last !== undefined && cursors.some((cursor) => cursor !== last[0])) return false;
    }
    return true;
  }

  /** The sets of rules that the shards are judged by. */
  async ruleSets(): Promise<readonly (string | null)[]> {
    const ids = Array.from({ length: shards }, (_, shard) =>
      this.redis.hget(redisKeys.judge(shard), '@rules'),
    );
    return [...new Set(await Promise.all(ids))];
  }

  async outcome(): Promise<unknown> {
    const outcomes = [];
    for (let shard = 0; shard < shards; shard++) {
      const rows = await this.redis.xrange(redisKeys.outbox(shard), '-', '+');
      const totals = (await this.redis.hget(redisKeys.store(shard), '@total')) ?? '{}';
      const transitions = rows.map(([, fields]) => (JSON.parse(fields[1] ?? '') as OutboxEntry).transition);
      outcomes.push({
        transitions: transitions
          .filter(({ reason }) => reason === undefined)
          .map(
            ({ id, at, ruleVersion, evidence }) => `${id} ${at} ${ruleVersion} ${JSON.stringify(evidence)}`,
          ),
        // They end by the wall clock, all at once.
        ended: transitions
          .filter(({ reason }) => reason !== undefined)
          .map(({ id, reason }) => `${id} ${reason}`)
          .sort(),
        active: (await this.redis.hkeys(redisKeys.alarms(shard))).sort(),
        cleared: (await this.redis.hkeys(redisKeys.clearedAlarms(shard))).sort(),
        presenceChanges: (await this.redis.xrange(redisKeys.presenceChanges(shard), '-', '+')).map(
          ([, [, change]]) => change,
        ),
        presences: Object.entries(await this.redis.hgetall(redisKeys.presence(shard)))
          .map(([device, json]) => [device, JSON.parse(json) as KeptPresence] as const)
          .map(([device, { state, since }]) => `${device} ${state} ${since}`)
          .sort(),
        ledger: JSON.parse(totals) as unknown,
      });
    }
    return outcomes;
  }
}

/** Rooms whose air goes bad and good again, at any time, and devices that fall silent: a minute each call. */
function* story(): Generator<readonly (readonly [shard: number, record: LogRecord])[]> {
  const random = seededRandom(31);
  const devices = Array.from({ length: shards * devicesPerShard }, (_, i) => ({
    id: `d${i}`,
    shard: i % shards,
    bad: false,
    silent: false,
    seq: 0,
  }));
  for (let at = Date.now() - 20 * 24 * 60 * minute; ; at += minute) {
    const records: (readonly [number, LogRecord])[] = [];
    for (const device of devices) {
      if (random() < 0.06) device.bad = !device.bad;
      if (random() < 0.04) {
        device.silent = !device.silent;
        // Mostly its connection goes with it; else it hangs.
        const online = !device.silent;
        if (online || random() < 0.7)
          records.push([device.shard, { kind: 'presence', arrivedAt: at, client: device.id, online }]);
      }
      if (device.silent) continue;
      const m = { co2_ppm: Math.round((device.bad ? 2200 : 500) + 100 * random()), occupied: 1 };
      const arrivedAt = at + Math.floor(1000 * random());
      const payload = Buffer.from(JSON.stringify({ ts: arrivedAt, seq: device.seq++, boot: 'b', m }));
      const topic = `campus/v1/${sites[device.shard]}/sensor/${device.id}/telemetry`;
      records.push([device.shard, { kind: 'message', arrivedAt, client: device.id, topic, payload }]);
    }
    for (let shard = 0; shard < shards; shard++)
      records.push([shard, { kind: 'tick', arrivedAt: at + 2000 }]);
    yield records;
  }
}

test('alarms and presence after many kills of the ingest at any moment, and edits of the rules, are those of an undisturbed run', async () => {
  const [calm, killed] = [new Pipeline(0), new Pipeline(1)];
  await Promise.all([calm.register(), killed.register()]);
  const undisturbed = await calm.startIngest();
  // The next ones stand by while one works, so that their starts take no time from the kills.
  const processes: RoleProcess[] = [];
  const random = seededRandom(Date.now());
  let kills = 0;
  let edition = 0;
  const killer = (async () => {
    const next = [killed.startIngest(), killed.startIngest()];
    while (kills < wantedKills || edition < wantedEdits) {
      processes.push(await (next.shift() ?? killed.startIngest()));
      next.push(killed.startIngest());
      await sleep(1500 * random());
      const [victim] = processes.splice(0, processes.length > 1 ? 1 : 0);
      if (victim === undefined) continue;
      await victim.end();
      kills++;
    }
    processes.push(...(await Promise.all(next)));
  })();
  // Both are to judge the same entries by the same rules.
  const edit = async () => {
    const pipelines = [calm, killed];
    for (const pipeline of pipelines)
      await eventually('everything to be judged and stored', () => pipeline.isDone(), 60_000);
    const [before] = await calm.ruleSets();
    await editRules(++edition);
    await eventually(
      'the edited rules to be judged by',
      async () => {
        const sets = (await Promise.all(pipelines.map((pipeline) => pipeline.ruleSets()))).flat();
        return sets.every((id) => id === sets[0] && id !== before);
      },
      60_000,
    );
  };
  let minutes = 0;
  for (const records of story()) {
    if (kills >= wantedKills && edition >= wantedEdits) break;
    if (++minutes % 60 === 0) await edit();
    for (const [shard, record] of records)
      await Promise.all([calm.append(shard, record), killed.append(shard, record)]);
    await sleep(10);
  }
  await killer;

  for (const pipeline of [calm, killed])
    await eventually('everything to be judged and stored', () => pipeline.isDone(), 60_000);
  const [expected, actual] = [await calm.outcome(), await killed.outcome()];
  await Promise.all([undisturbed, ...processes].map((ingest) => ingest.end()));
  calm.redis.disconnect();
  killed.redis.disconnect();

  expect(JSON.stringify(expected)).toContain('rule_removed');
  expect(JSON.stringify(expected).length).toBeGreaterThan(2000);
  for (const state of ['online', 'offline', 'stale', 'unknown'])
    expect(JSON.stringify(expected)).toContain(`\\"to\\":\\"${state}\\"`);
  expect(actual).toEqual(expected);
}, 240_000);
