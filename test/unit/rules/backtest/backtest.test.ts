import { describe, expect, it } from 'vitest';
import { Backtest } from '../../../../rules/backtest/backtest.js';
import type { BacktestParts } from '../../../../rules/backtest/backtest.js';
import type { HistoryItem } from '../../../../rules/backtest/history.js';
import { warmUpMs } from '../../../../rules/backtest/warm-up.js';
import { emptyCalendar } from '../../../../rules/calendar.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { parseRules } from '../../../../rules/parse-rules.js';

const minute = 60_000;
/** A Monday. */
const start = Date.parse('2026-03-02T08:00:00+08:00');
const at = (minutes: number) => start + minutes * minute;

function rulesOf(...texts: readonly string[]) {
  const shared = 'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test, class: sensor';
  const list = texts.map((text) => {
    const severity = text.includes('steps:') ? '' : ', severity: minor';
    return `- { ${text}, ${shared}${severity} }`;
  });
  return parseRules([{ name: 'r.yaml', text: list.join('\n') }]);
}

const devices = new Map<string, DeviceRef>();
function device(id: string): DeviceRef {
  return { id, site: 's', deviceClass: 'sensor', intervalS: 60 };
}
function reading(minutes: number, co2: number, id = 'd1'): HistoryItem {
  const known: DeviceRef = devices.get(id) ?? { id, site: `site-${id}`, deviceClass: 'sensor' };
  devices.set(id, known);
  return { kind: 'reading', device: known, reading: { ts: at(minutes), m: { co2_ppm: co2 } } };
}

const high = 'id: high, condition: co2_ppm > 1000';

function run(items: readonly HistoryItem[], parts: Partial<BacktestParts>, operators = 1) {
  const backtest = new Backtest({
    rules: rulesOf(high),
    calendar: emptyCalendar,
    period: { from: start, until: at(600) },
    warmUpFrom: at(-60),
    latenessMs: 900_000,
    ...parts,
  });
  for (const item of items) backtest.take(item);
  return { ...backtest.finish(operators), progress: backtest.progress };
}

describe('a backtest', () => {
  it('counts how often, on whom, where, how long, when and how severe', () => {
    const [rule] = run(
      [
        reading(0, 1100),
        reading(10, 500),
        reading(60, 1100, 'd2'),
        reading(120, 1100),
        reading(150, 500),
        reading(590, 1100),
      ],
      {},
    ).rules;
    expect(rule).toMatchObject({
      rule: 'high',
      fired: 4,
      subjects: 2,
      sites: [
        { site: 'site-d1', fired: 3 },
        { site: 'site-d2', fired: 1 },
      ],
      totalMs: (10 + 540 + 30 + 10) * minute,
      medianMs: 30 * minute,
      longestMs: 540 * minute,
      activeAtStart: 0,
      activeAtEnd: 2,
      severities: { minor: 4 },
    });
    // 08:00, 09:00, 10:00 and 17:50 in China.
    const hours = new Map(rule?.hours.map((n, hour) => [hour, n]));
    expect([8, 9, 10, 17].map((hour) => hours.get(hour))).toEqual([1, 1, 1, 1]);
    expect(rule?.hours).toHaveLength(24);
  });

  it('counts only what happens in the period, though what was before it is judged', () => {
    const { rules, load } = run(
      [reading(-30, 1100), reading(-20, 500), reading(-10, 1100), reading(10, 500), reading(700, 1100)],
      {},
    );
    expect(rules[0]).toMatchObject({ fired: 0, activeAtStart: 1, activeAtEnd: 0 });
    expect(load.calls).toBe(0);
  });

  it('lets time pass, so that it finds who fell silent', () => {
    const { rules } = run([reading(0, 500), reading(300, 500)], {
      rules: rulesOf('id: silent, condition: silence_s > 600'),
    });
    expect(rules[0]).toMatchObject({ fired: 2, totalMs: (290 + 290) * minute - 2 * 10_000, activeAtEnd: 1 });
  });

  it('judges nothing that came too late', () => {
    const late = run([reading(100, 500), reading(50, 1100), reading(101, 500)], {});
    expect(late.rules[0]?.fired).toBe(0);
    expect(late.progress).toEqual({ readings: 3, events: 0, late: 1 });
  });

  it('judges nothing that is stored as late, and takes it for no sign of life', () => {
    const late = { ...reading(1, 1100), late: true };
    const { rules, progress } = run([reading(0, 500), late, reading(2, 500)], {});
    expect(rules[0]?.fired).toBe(0);
    expect(progress.late).toBe(1);
  });

  it('derives presence from what was heard, and excuses who is behind one that is gone', () => {
    const gone = rulesOf('id: gone, condition: silence_s > 300 && presence != "stale"');
    const [gateway, child] = [device('gw'), { ...device('child'), parentId: 'gw' }];
    const say = (who: DeviceRef, minutes: number): HistoryItem => ({
      kind: 'reading',
      device: who,
      reading: { ts: at(minutes), m: { co2_ppm: 500 } },
    });
    const both = Array.from({ length: 20 }, (_, i) => [say(gateway, i), say(child, i)]).flat();
    const gatewayOn = Array.from({ length: 60 }, (_, i) => say(gateway, 20 + i));
    const period = { from: start, until: at(60) };
    expect(run([...both, ...gatewayOn], { rules: gone, period }).rules[0]).toMatchObject({
      fired: 1,
      subjects: 1,
    });
    // Both went: the gateway is missed, and nobody knows how the other one is.
    expect(run(both, { rules: gone, period }).rules[0]).toMatchObject({ fired: 1, activeAtEnd: 1 });
  });

  it('tells rules that could not be judged from those that honestly never fired', () => {
    const rules = rulesOf(
      'id: honest, condition: co2_ppm > 2000',
      'id: hung, condition: presence == "stale" && silence_s > 900',
      'id: lesson, condition: co2_ppm > 100 && phase == "lesson"',
      'id: dark, condition: co2_ppm > 100 && lux < 300',
      'id: either, condition: co2_ppm > 2000 || lux < 300',
    );
    const items = [reading(0, 500), reading(1, 510)];
    expect(run(items, { rules }).unjudged).toEqual([
      { rule: 'hung', why: 'history does not tell who hangs from who is gone' },
      { rule: 'lesson', why: 'no site had a lesson by a timetable' },
      { rule: 'dark', why: 'nobody reported lux' },
    ]);
    const calendar = { ...emptyCalendar, phaseAt: () => 'lesson' as const };
    expect(run(items, { rules, calendar }).unjudged.map(({ rule }) => rule)).toEqual(['hung', 'dark']);
  });

  it('leaves out rules that are off, and lets shadow rules call nobody', () => {
    const { rules, load } = run([reading(0, 1100)], {
      rules: rulesOf(
        'id: off, condition: co2_ppm > 1, mode: off',
        'id: shadow, condition: co2_ppm > 1, mode: shadow',
      ),
    });
    expect(rules).toMatchObject([{ rule: 'shadow', fired: 1 }]);
    expect(load.calls).toBe(0);
  });
});

describe('the load of operators', () => {
  const many = (count: number, minutes: number) =>
    Array.from({ length: count }, (_, i) => reading(minutes, 1100, `m${i}`));

  it('is a flood with more than ten alarms for each in ten minutes', () => {
    expect(run(many(10, 0), {}).load).toMatchObject({ floodSlots: 0, busySlots: 1, isWithinBudget: true });
    expect(run(many(11, 0), {}).load).toMatchObject({
      floodSlots: 1,
      isWithinBudget: false,
      worst: { at: start, perOperator: 11 },
    });
    expect(run(many(11, 0), {}, 2).load).toMatchObject({ floodSlots: 0, worst: { perOperator: 5.5 } });
  });

  it('is over the budget with more than one for each in ten minutes on average', () => {
    const steady = (each: number) =>
      Array.from({ length: 60 }, (_, slot) =>
        many(each, 10 * slot).map((item) => renamed(item, slot)),
      ).flat();
    expect(run(steady(1), {}).load).toMatchObject({
      calls: 60,
      perTenMinutes: 1,
      perDay: 144,
      isWithinBudget: true,
    });
    expect(run(steady(2), {}).load).toMatchObject({ perTenMinutes: 2, isWithinBudget: false });
    expect(run(steady(2), {}, 2).load).toMatchObject({ perTenMinutes: 1, isWithinBudget: true });
  });

  it('counts an alarm again when it becomes worse', () => {
    const steps =
      'id: high, steps: [{ severity: warning, condition: co2_ppm > 1000 }, { severity: major, condition: co2_ppm > 1500 }]';
    const { rules, load } = run([reading(0, 1100), reading(1, 1600), reading(2, 1100)], {
      rules: rulesOf(steps),
    });
    expect(rules[0]).toMatchObject({ fired: 1, severities: { major: 1 } });
    expect(load).toMatchObject({ calls: 2, noisiest: [{ rule: 'high', subject: 'd1', calls: 2 }] });
  });
});

function renamed(item: HistoryItem, slot: number): HistoryItem {
  return { ...item, device: { ...item.device, id: `${item.device.id}-${slot}` } };
}

describe('the difference of two sets of rules', () => {
  const course = [
    reading(0, 1100),
    reading(20, 500),
    reading(100, 1300),
    reading(102, 800),
    reading(110, 500),
  ];

  it('names what is added, removed and moved', () => {
    const { diff } = run(course, {
      rules: rulesOf(
        'id: high, condition: co2_ppm > 1200, clear: co2_ppm < 600',
        'id: low, condition: co2_ppm < 600',
      ),
      oldRules: rulesOf(high),
    });
    expect(diff).toMatchObject([
      {
        rule: 'high',
        before: 2,
        after: 1,
        kept: 0,
        added: [],
        removed: [{ raisedAt: at(0), clearedAt: at(20), device: 'd1' }],
        moved: [{ before: { clearedAt: at(102) }, after: { clearedAt: at(110) } }],
      },
      { rule: 'low', before: 0, after: 2, kept: 0, removed: [], moved: [] },
    ]);
    expect(diff?.[1]?.added.map(({ raisedAt }) => raisedAt)).toEqual([at(20), at(110)]);
  });

  it('is none between rules that say the same', () => {
    expect(run(course, { oldRules: rulesOf(`${high}, clear: co2_ppm <= 1000`) }).diff).toEqual([]);
  });
});

describe('the warm-up', () => {
  it.each([
    ['condition: co2_ppm > 1000', 60],
    ['condition: "mean(co2_ppm, \\"3h\\") > 1000", for: 10m', 190],
    ['condition: co2_ppm > 1000, clear: "max(co2_ppm, \\"5h\\") < 900", clearFor: 1h', 360],
    ['condition: "usual(co2_ppm) > 1000"', (3 * 168 + 1) * 60],
    ['condition: "yesterday(co2_ppm) > 1000"', 192 * 60],
  ])('of %s is as long as it looks back, %i minutes', (text, minutes) => {
    expect(warmUpMs(rulesOf(`id: r, ${text}`))).toBe(minutes * minute);
  });
});

it('judges districts, which reach over several shards of a live pipeline', () => {
  const inDistrict = (minutes: number, co2: number, id: string): HistoryItem => {
    const item = reading(minutes, co2, id);
    return { ...item, device: Object.assign(item.device, { district: 'chancheng' }) };
  };
  const { rules } = run([inDistrict(0, 1100, 'x1'), inDistrict(0, 1100, 'x2'), inDistrict(5, 500, 'x1')], {
    rules: rulesOf('id: many, group: district, condition: members(co2_ppm > 1000) >= 2'),
  });
  expect(rules[0]).toMatchObject({ fired: 1, activeAtEnd: 0, medianMs: 5 * minute });
});
