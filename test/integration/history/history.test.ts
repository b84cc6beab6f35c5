import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listAlarms } from '../../../alerts/redis-alarm-list.js';
import { runBacktest } from '../../../cli/backtest/run-backtest.js';
import type { BacktestOrder } from '../../../cli/backtest/run-backtest.js';
import { formatReport } from '../../../cli/backtest/format-report.js';
import { createDeviceRefs } from '../../../cli/history/device-refs.js';
import { readInfluxHistory } from '../../../cli/history/influx-history.js';
import { openHistory, readSurroundings } from '../../../cli/history/surroundings.js';
import { tellAlarmStory } from '../../../cli/why/alarm-story.js';
import { findAlarm } from '../../../cli/why/find-alarm.js';
import { formatAlarmStory } from '../../../cli/why/format-alarm-story.js';
import { formatWhyNot } from '../../../cli/why/format-why-not.js';
import { findWhyNot } from '../../../cli/why/why-not.js';
import { startIngest } from '../../../ingest/app.js';
import type { Transition } from '../../../rules/alarm.js';
import { Replay } from '../../../rules/backtest/replay.js';
import { createEngine } from '../../../rules/engine/engine.js';
import { loadRules } from '../../../rules/load-rules.js';
import type { RoleContext } from '../../../runtime/role.js';
import { createTestContext } from '../../support/role-context.js';
import { startTestInflux, startTestRedis } from '../../support/stores.js';
import type { TestServer } from '../../support/stores.js';
import { storyMinutes, storyStart, tellStory } from './told-story.js';

const rulesFolder = join(import.meta.dirname, 'rules');
const silent = { update: () => undefined, end: () => undefined };
const end = storyStart + storyMinutes * 60_000;

let redisServer: TestServer;
let influxServer: TestServer;
let redis: Redis;
let context: RoleContext;
let live: readonly Transition[];
let folder: string;

beforeAll(async () => {
  [redisServer, influxServer] = await Promise.all([startTestRedis(), startTestInflux()]);
  context = createTestContext(
    { redisUrl: redisServer.url, influxUrl: influxServer.url },
    { RULES_DIR: rulesFolder },
  );
  await startIngest(context);
  redis = new Redis(redisServer.url, { maxRetriesPerRequest: null });
  live = await tellStory(redis);
  folder = await mkdtemp(join(tmpdir(), 'campus-backtest-'));
}, 120_000);
afterAll(async () => {
  await context.lifeCycle.stop();
  redis.disconnect();
  await Promise.all([redisServer.stop(), influxServer.stop(), rm(folder, { recursive: true })]);
});

const where = () => ({ redisUrl: redisServer.url, influxUrl: influxServer.url });
const story = { from: new Date(storyStart).toISOString(), to: new Date(end).toISOString(), operators: 1 };

async function backtest(order: Partial<BacktestOrder> = {}) {
  const rules = await loadRules(rulesFolder);
  return runBacktest({ rules, ...story, ...order }, await readSurroundings(where()), silent);
}

/** What the same history does to the same rules outside the pipeline. */
async function replay(): Promise<readonly Transition[]> {
  const surroundings = await readSurroundings(where());
  const found: Transition[] = [];
  const engine = createEngine(await loadRules(rulesFolder), surroundings.calendar);
  const player = new Replay([{ engine, onTransitions: (some) => found.push(...some) }], storyStart, 900_000);
  const history = readInfluxHistory({
    influx: await openHistory(surroundings),
    classes: ['sensor', 'ap'],
    from: storyStart,
    until: end,
    refOf: createDeviceRefs(surroundings.registry),
  });
  for await (const { items } of history) for (const item of items) player.take(item);
  player.passTo(end);
  return found;
}

const ofRules = (transitions: readonly Transition[], ...rules: string[]) =>
  transitions.filter(({ rule }) => rules.includes(rule));
const byId = (transitions: readonly Transition[]) => [...transitions].sort((a, b) => (a.id < b.id ? -1 : 1));

describe('a backtest over what the pipeline stored', () => {
  it('makes the very transitions that the pipeline made of what devices measured and told', async () => {
    const judged = ['stuffy', 'flapping', 'crowded', 'radar'];
    const again = byId(ofRules(await replay(), ...judged));
    expect(again).toEqual(byId(ofRules(live, ...judged)));
    for (const rule of judged) expect(ofRules(again, rule).length, rule).toBeGreaterThan(1);
    expect(new Set(again.map(({ part }) => part))).toEqual(new Set([undefined, 'radio5']));
    expect(again.some(({ kind }) => kind === 'change')).toBe(true);
  });

  it('finds the same of what time alone moves, as exactly as its ticks', async () => {
    const again = await replay();
    for (const rule of ['silent', 'many-stuffy']) {
      const [now, then] = [again, live].map((all) => ofRules(all, rule));
      expect(now?.map(({ device, kind }) => [device, kind])).toEqual(
        then?.map(({ device, kind }) => [device, kind]),
      );
      now?.forEach(({ at }, i) => expect(Math.abs(at - (then?.[i]?.at ?? 0))).toBeLessThanOrEqual(20_000));
      expect(now?.length, rule).toBeGreaterThan(1);
    }
  });

  it('counts them, and tells of them within 80 columns', async () => {
    const outcome = await backtest();
    const stuffy = live.filter(({ rule, kind }) => rule === 'stuffy' && kind === 'raise');
    expect(outcome.rules.find(({ rule }) => rule === 'stuffy')).toMatchObject({
      fired: stuffy.length,
      subjects: new Set(stuffy.map(({ device }) => device)).size,
      sites: [{ site: 's1', fired: stuffy.length }],
    });
    expect(outcome).toMatchObject({ devices: 6, late: 0 });
    const report = formatReport(outcome, 'Asia/Shanghai');
    expect(report).toContain('stuffy');
    expect(Math.max(...report.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('reads only what it is asked for', async () => {
    expect(await backtest({ deviceClass: 'ap' })).toMatchObject({ devices: 2 });
    const half = await backtest({ to: new Date(storyStart + 120 * 60_000).toISOString() });
    // A reading of each device a minute but for d3's twenty silent ones, and warm-up before it is empty.
    expect(half.readings).toBe(6 * 120 - 20);
    await expect(backtest({ site: "it's" })).rejects.toThrow(
      /holds no readings at site "it's" between 2026-03-0\d \d\d:00:00 and 2026-03-02 12:00:00\./,
    );
  });

  it('shows what a change of rules adds and removes', async () => {
    const text = await readFile(join(rulesFolder, 'rules.yaml'), 'utf8');
    await writeFile(join(folder, 'rules.yaml'), text.replace('chan_util_pct > 70', 'chan_util_pct > 99'));
    const outcome = await backtest({ oldRules: await loadRules(folder) });
    const crowded = ofRules(live, 'crowded').filter(({ kind }) => kind === 'raise');
    expect(outcome.diff).toMatchObject([{ rule: 'crowded', after: crowded.length }]);
    const [diff] = outcome.diff ?? [];
    expect((diff?.added.length ?? 0) + (diff?.moved.length ?? 0) + (diff?.kept ?? 0)).toBe(crowded.length);
    expect(diff?.added.length).toBeGreaterThan(0);
    expect(formatReport(outcome, 'UTC')).toContain('Against the old rules:');
    expect((await backtest({ oldRules: await loadRules(rulesFolder) })).diff).toEqual([]);
  });

  it('says in one sentence what is wrong with a question', async () => {
    await expect(backtest({ from: 'soon' })).rejects.toThrow('--from: "soon" is no time: write it as');
    await expect(backtest({ from: story.to, to: story.from })).rejects.toThrow('must be before --to');
    await expect(backtest({ from: '2126-01-01', to: '2126-01-02' })).rejects.toThrow('lies in the future');
    const away = await readSurroundings({ redisUrl: redisServer.url, influxUrl: 'http://127.0.0.1:1' });
    const rules = await loadRules(rulesFolder);
    await expect(runBacktest({ rules, ...story }, away, silent)).rejects.toThrow(
      'InfluxDB at http://127.0.0.1:1/ does not answer',
    );
    const none = await readSurroundings({ ...where(), influxBucket: 'no-such' });
    await expect(runBacktest({ rules, ...story }, none, silent)).rejects.toThrow(
      'database not found: no-such',
    );
  });
});

async function whyNot(rule: string, device: string, at: number, folderOfRules = rulesFolder) {
  const surroundings = await readSurroundings(where());
  const influx = await openHistory(surroundings);
  return findWhyNot(await loadRules(folderOfRules), rule, device, at, influx, surroundings, silent);
}
const raises = (rule: string) => ofRules(live, rule).filter(({ kind }) => kind === 'raise');

describe('why not', () => {
  it('says which clause was false and by how much, at the time that is asked about', async () => {
    const [raised] = raises('stuffy').filter(({ severity }) => severity === 'minor');
    const { device = '', at = 0 } = raised ?? {};
    const before = await whyNot('stuffy', device, at - 1000);
    const [mild] = before.found[0]?.steps ?? [];
    expect(before.found[0]?.activeSince).toBeUndefined();
    expect(mild).toMatchObject({ phase: 'pending', condition: { holds: true, holdMs: 180_000 } });
    expect(mild?.condition.clauses).toMatchObject([
      { text: 'mean(co2_ppm, "5m") > 1000', holds: true, right: 1000 },
    ]);
    expect(mild?.condition.clauses[0]?.left).toBeGreaterThan(1000);
    expect(formatWhyNot(before, 'UTC')).toMatch(/→ holds since .* of 3 min: .* are missing/);
    // And just then it fired, as the pipeline did.
    expect((await whyNot('stuffy', device, at)).found[0]).toMatchObject({
      activeSince: at,
      severity: 'minor',
    });
  });

  it('tells unknown from false, and names what is missing', async () => {
    // At the time of a reading of an access point itself, its own metrics have no channel utilisation.
    const { found } = await whyNot('crowded', 'ap1', storyStart + 30 * 60_000);
    expect(found.map(({ part }) => part)).toEqual([undefined, 'radio2', 'radio5']);
    expect(found[0]?.steps[0]?.condition).toMatchObject({ holds: undefined, missing: ['chan_util_pct'] });
    expect(found[1]?.steps[0]?.condition).toMatchObject({
      holds: false,
      clauses: [{ left: 30, right: 70, holds: false }],
    });
    const answer = await whyNot('crowded', 'ap1', storyStart + 30 * 60_000);
    expect(formatWhyNot(answer, 'UTC')).toContain('FALSE   chan_util_pct > 70: 30, 40 away from 70');
    expect(formatWhyNot(answer, 'UTC')).toContain('chan_util_pct is missing');
  });

  it('looks at silence and at groups as of that time', async () => {
    const quiet = await whyNot('silent', 'd3', storyStart + 103 * 60_000);
    expect(quiet.found[0]?.steps[0]?.condition).toMatchObject({
      holds: false,
      clauses: [{ text: 'silence_s > 300', left: 210, right: 300 }],
    });
    const [raised] = raises('many-stuffy');
    const group = await whyNot('many-stuffy', 'd1', (raised?.at ?? 0) + 20_000);
    expect(group.found).toMatchObject([{ severity: 'major', steps: [{ condition: { holds: true } }] }]);
  });

  it('says what else keeps a rule from firing', async () => {
    const at = storyStart + 60 * 60_000;
    expect((await whyNot('stuffy', 'ap1', at)).obstacles).toEqual([
      'The rule is about devices of class sensor, and "ap1" is of class ap: it never looks at it.',
    ]);
    const text = await readFile(join(rulesFolder, 'rules.yaml'), 'utf8');
    await writeFile(join(folder, 'rules.yaml'), text.replace('class: sensor', 'mode: off\n  class: sensor'));
    const off = await whyNot('stuffy', 'd1', at, folder);
    expect(off.obstacles).toEqual(['The rule is off: it is evaluated here, but not by the pipeline.']);
    expect(off.found).toHaveLength(1);
    const early = await whyNot('stuffy', 'd1', storyStart - 86_400_000);
    expect(early.found).toEqual([]);
    expect(early.obstacles[0]).toMatch(/^Nothing was heard of "d1" between .* there is nothing to judge/);
    await expect(whyNot('stufy', 'd1', at)).rejects.toThrow(
      'There is no rule "stufy". Did you mean "stuffy"?',
    );
    await expect(whyNot('stuffy', 'dd1', at)).rejects.toThrow(
      'No device "dd1" is registered, nor was one ever heard. Did you mean "d1"?',
    );
  });
});

describe('why', () => {
  it('shows each transition with its rule, its values and the readings before it', async () => {
    const surroundings = await readSurroundings(where());
    const wanted = (await listAlarms(redis, 'all')).find(
      ({ rule, history }) => rule === 'stuffy' && history.length > 2,
    );
    const alarm = await findAlarm(redis, wanted?.id ?? '');
    const rules = await loadRules(rulesFolder);
    const story = await tellAlarmStory(alarm, rules, await openHistory(surroundings), surroundings);
    expect(story.steps.map(({ kind, at }) => [kind, at])).toEqual(
      alarm.history.map(({ kind, at }) => [kind, at]),
    );
    for (const { at, readings = [], where: place } of story.steps) {
      expect(place).toMatchObject({ line: 1 });
      // Time alone may have moved it, a moment after the last of them.
      expect(readings.at(-1)?.at).toBeLessThanOrEqual(at);
      expect(readings.at(-1)?.at).toBeGreaterThan(at - 60_000);
      expect(readings.at(-1)?.metrics).toHaveProperty('co2_ppm');
    }
    const text = formatAlarmStory(story, 'UTC', undefined);
    expect(text).toContain('rules/rules.yaml:1');
    expect(text).toContain('CO2 (5 min mean, ppm) > 1000, for 3m'.split(',')[0] ?? '');
    const changed = rules.map((rule) => ({ ...rule, version: 'other' }));
    const later = await tellAlarmStory(alarm, changed, undefined, surroundings);
    expect(later.steps[0]).toMatchObject({ readings: undefined });
    expect(later.steps[0]?.where).toBe('the rule has changed since, it is version other now');
  });

  it('shows the newest readings of some devices of a group', async () => {
    const surroundings = await readSurroundings(where());
    const wanted = (await listAlarms(redis, 'all')).find(({ rule }) => rule === 'many-stuffy');
    const alarm = await findAlarm(redis, wanted?.id ?? '');
    const rules = await loadRules(rulesFolder);
    const { steps, alarm: about } = await tellAlarmStory(
      alarm,
      rules,
      await openHistory(surroundings),
      surroundings,
    );
    const [raised] = steps;
    const named = String(raised?.evidence['devices']).split(', ');
    expect(named.length).toBeGreaterThan(1);
    expect([...new Set(raised?.readings?.map(({ device }) => device))]).toEqual(named);
    for (const { at, metrics } of raised?.readings ?? []) {
      expect(at).toBeLessThanOrEqual(raised?.at ?? 0);
      expect(metrics['co2_ppm']).toBeGreaterThan(0);
    }
    const text = formatAlarmStory({ alarm: about, steps }, 'UTC', undefined);
    expect(text).toMatch(/Time .* Device .* co2_ppm/);
    // What a condition is compared with lies further back than readings are shown.
    const compared = {
      ...alarm,
      history: alarm.history.map((step) => ({ ...step, condition: 'co2_ppm > yesterday(co2_ppm)' })),
    };
    const other = await tellAlarmStory(compared, rules, await openHistory(surroundings), surroundings);
    expect(other.steps[0]?.earlier).toMatchObject([{ readings: 0 }]);
    expect(formatAlarmStory(other, 'UTC', undefined)).toContain('Compared with the hour from 2026-03-0');
  });

  it('finds an alarm by the beginning of its id, and says what is wrong with another one', async () => {
    const [alarm] = await listAlarms(redis, 'all');
    const id = alarm?.id ?? '';
    expect((await findAlarm(redis, id.slice(0, -2))).id).toBe(id);
    await expect(findAlarm(redis, '')).rejects.toThrow(/^\d+ alarms begin with ""/);
    await expect(findAlarm(redis, `${id}x`)).rejects.toThrow(`Did you mean "${id}"?`);
  });
});
