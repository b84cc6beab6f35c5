import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from '../../../../rules/alarm.js';
import { alarms, campus, DeskWorld, told } from '../../../support/desk-world.js';

const school = campus('s1', 1, 85);
const twoGateways = campus('s1', 2, 6);
const { ap, sensor, gateway, site, power, co2 } = alarms;
const raise = (alarm: Parameters<typeof told>[1], at = 0) => told('raise', alarm, at);
const silentSchool = (at = 0) => [
  ...Array.from({ length: 85 }, (_, i) => [
    raise(ap(`s1-ap-${i + 1}`), at),
    raise(sensor(`s1-env-${i + 1}`), at),
  ]).flat(),
  raise(gateway('s1-gw-1'), at),
  raise(ap('s1-ap-not-registered'), at),
];

/** The same numbers whenever it is asked, so that a failure can be repeated. */
function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  let state = seed;
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return [...items]
    .map((item) => ({ item, at: next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe('an outage of a campus', () => {
  it('is one incident with one notice, named after what explains all the rest', () => {
    const world = new DeskWorld(school).at(0, ...silentSchool().slice(0, 171)).until(1, 80);
    expect(world.told).toEqual(['opened gateway-silent~s1-gw-1']);
    expect(world.open).toMatchObject([
      { alarms: 171, active: 171, classes: { ap: 85, sensor: 85, gateway: 1 }, severity: 'major' },
    ]);
    world.at(
      600,
      ...silentSchool()
        .slice(0, 171)
        .map(({ alarm }) => told('clear', alarm as never, 0, 600)),
    );
    world.until(601, 661);
    expect(world.told).toEqual(['opened gateway-silent~s1-gw-1', 'closed gateway-silent~s1-gw-1']);
  });

  it('leaves alone what is not below the cause', () => {
    const world = new DeskWorld(school).at(0, ...silentSchool()).until(1, 80);
    expect(world.told).toEqual(['opened ap-silent~s1-ap-not-registered', 'opened gateway-silent~s1-gw-1']);
  });

  it('takes in children that come late, and after a restart', () => {
    const world = new DeskWorld(school)
      .at(0, raise(gateway('s1-gw-1')))
      .until(1, 80)
      .restart();
    world.at(200, raise(ap('s1-ap-3'), 200)).at(201, raise(sensor('s1-env-9'), 201));
    expect(world.told).toEqual(['opened gateway-silent~s1-gw-1']);
    expect(world.open).toMatchObject([{ alarms: 3 }]);
  });

  it('merges incidents of children into that of a parent which comes later, and tells their threads', () => {
    const world = new DeskWorld(school).at(0, raise(ap('s1-ap-1')), raise(ap('s1-ap-2'))).until(1, 80);
    expect(world.told).toEqual(['opened ap-silent~s1-ap-1', 'opened ap-silent~s1-ap-2']);
    world.at(90, raise(gateway('s1-gw-1'), 90)).until(91, 170);
    expect(world.told.slice(2)).toEqual([
      'opened gateway-silent~s1-gw-1',
      'merged ap-silent~s1-ap-1',
      'merged ap-silent~s1-ap-2',
    ]);
    expect(world.open).toMatchObject([{ root: { key: 'gateway-silent~s1-gw-1' }, alarms: 3 }]);
  });

  it('is found by the school losing all its gateways, and above that by the power', () => {
    const silent = [raise(gateway('s1-gw-1')), raise(gateway('s1-gw-2')), raise(ap('s1-ap-1'))];
    const world = new DeskWorld(twoGateways).at(0, ...silent, raise(site('s1'))).until(1, 80);
    expect(world.groups).toHaveLength(1);
    expect(world.open).toMatchObject([{ root: { rule: 'site-gateways-silent' }, alarms: 4 }]);
    world.at(81, raise(power('s1-gw-1'), 81), raise(power('s1-gw-2'), 81)).at(82);
    expect(world.open).toMatchObject([{ root: { key: 'campus-power-lost~s1-gw-1' }, alarms: 6 }]);
  });

  it('has as many incidents as gateways, where only some of what hangs on each is gone', () => {
    const world = new DeskWorld(twoGateways);
    world.at(0, raise(gateway('s1-gw-1')), raise(ap('s1-ap-1')), raise(ap('s1-ap-2'))).until(1, 80);
    expect(world.groups).toEqual([
      'ap-silent~s1-ap-2: ap-silent~s1-ap-2',
      'gateway-silent~s1-gw-1: ap-silent~s1-ap-1 gateway-silent~s1-gw-1',
    ]);
  });

  it('ends alike, whatever the order of the transitions and whenever the desk is made anew', () => {
    const story: OutboxEntry[] = [
      ...silentSchool().slice(0, 60),
      raise(gateway('s1-gw-1')),
      raise(co2('s1-env-7')),
      ...[1, 2, 3].map((n) => raise(ap(`other-${n}`, { site: 's2' }))),
    ];
    const play = (entries: readonly OutboxEntry[], seed: number) => {
      const world = new DeskWorld(school);
      entries.forEach((entry, i) => {
        // Shards tell in bursts, some seconds apart; not all transitions of one come at once.
        world.at(Math.floor(i / (5 + (seed % 7))), entry);
        if (seed % 2 === 1 && i % 10 === 9) world.restart();
      });
      world.until(20, 120);
      return { groups: world.groups, told: [...world.told].sort() };
    };
    const expected = play(story, 0);
    expect(expected.groups).toHaveLength(5);
    for (let seed = 1; seed <= 40; seed++)
      expect(play(shuffled(story, seed), seed), `seed ${seed}`).toEqual(expected);
  });
});

describe('when the cause is over', () => {
  const outage = () =>
    new DeskWorld(school)
      .at(0, ...silentSchool().slice(0, 171))
      .until(1, 80)
      .at(600, told('clear', gateway('s1-gw-1'), 0, 600));

  it('children that recover within the grace time make no noise', () => {
    const world = outage().until(601, 650);
    world.at(
      700,
      ...silentSchool()
        .slice(0, 170)
        .map(({ alarm }) => told('clear', alarm as never, 0, 700)),
    );
    expect(world.until(701, 1300).told).toEqual([
      'opened gateway-silent~s1-gw-1',
      'closed gateway-silent~s1-gw-1',
    ]);
  });

  it('those that are left are one incident for one common cause, not one each', () => {
    const world = outage();
    world.at(
      700,
      ...silentSchool()
        .slice(0, 130)
        .map(({ alarm }) => told('clear', alarm as never, 0, 700)),
    );
    world.until(701, 901);
    expect(world.told).toEqual([
      'opened gateway-silent~s1-gw-1',
      'opened ap-silent~s1-ap-66',
      'closed gateway-silent~s1-gw-1',
    ]);
    expect(world.open).toMatchObject([{ alarms: 40, active: 40 }]);
    expect(world.notices.at(-1)?.movedTo).toEqual([world.open[0]?.id]);
  });

  it('goes on as it was when the cause comes back within the grace time', () => {
    const world = outage()
      .until(601, 620)
      .at(650, raise(gateway('s1-gw-1'), 650))
      .until(651, 1100);
    expect(world.told).toEqual(['opened gateway-silent~s1-gw-1']);
    expect(world.open).toMatchObject([{ root: { state: 'active' }, alarms: 172 }]);
  });

  it('lets children recover whose parent was over before it had an incident', () => {
    const world = new DeskWorld(school).at(0, raise(ap('s1-ap-1')), raise(gateway('s1-gw-1')));
    world.at(30, told('clear', gateway('s1-gw-1'), 0, 30)).until(31, 200);
    expect(world.told).toEqual([]);
    expect(world.until(201, 331).told).toEqual(['opened ap-silent~s1-ap-1']);
  });
});

describe('waiting', () => {
  it('lasts for what something may explain, and hardly for the rest', () => {
    const world = new DeskWorld(school).at(0, raise(ap('s1-ap-1')), raise(co2('s1-env-1'))).at(9);
    expect(world.told).toEqual([]);
    expect(world.at(10).told).toEqual(['opened co2-high~s1-env-1']);
    expect(world.at(74).told).toHaveLength(1);
    expect(world.at(75).told).toEqual(['opened co2-high~s1-env-1', 'opened ap-silent~s1-ap-1']);
  });

  it('is not for what is critical or about safety, nor for what becomes critical', () => {
    const world = new DeskWorld(school);
    world.at(
      0,
      raise(power('s1-gw-1')),
      raise(co2('x', { rule: 'co-high', safety: true, symptom: 'reachability' })),
    );
    expect(world.told).toEqual(['opened campus-power-lost~s1-gw-1', 'opened co-high~x']);
    world
      .at(20, raise(ap('elsewhere', { site: 's2' }), 20))
      .at(21, told('change', ap('elsewhere', { site: 's2' }), 20, 21, 'critical'));
    expect(world.told.at(-1)).toBe('opened ap-silent~elsewhere');
  });
});

describe('how an incident goes on', () => {
  it('is told when it becomes worse, and not when it becomes better', () => {
    const world = new DeskWorld().at(0, raise(co2('a'))).at(10);
    world.at(20, told('change', co2('a'), 0, 20, 'major'));
    expect(world.told).toEqual(['opened co2-high~a', 'worse co2-high~a']);
    const better = told('change', co2('a'), 0, 30, 'warning');
    world.at(30, { ...better, alarm: { ...better.alarm, revision: 2 } });
    expect(world.told).toHaveLength(2);
  });

  it('takes a transition that is put out again only once', () => {
    const world = new DeskWorld()
      .at(0, raise(co2('a')), raise(co2('a')))
      .at(10, raise(co2('a')))
      .at(11);
    expect(world.told).toEqual(['opened co2-high~a']);
    expect(world.open).toMatchObject([{ alarms: 1, activations: 1 }]);
  });

  it('says nothing of the end of an alarm whose beginning nobody heard', () => {
    const world = new DeskWorld().at(0, told('clear', co2('a'), 0, 0)).until(1, 900);
    expect(world.told).toEqual([]);
    expect(world.past.size).toBe(1);
  });
});

describe('damping', () => {
  it('tells nobody of an alarm that was over before anybody could act, and remembers it', () => {
    const world = new DeskWorld()
      .at(0, raise(co2('a')))
      .at(4, told('clear', co2('a'), 0, 4))
      .until(5, 700);
    expect(world.told).toEqual([]);
    expect([...world.past.values()]).toMatchObject([{ fleeting: true }]);
  });

  it('makes one incident with a counter of an alarm that chatters, and ends it when it is quiet', () => {
    const world = new DeskWorld();
    for (let n = 0; n < 30; n++) {
      world.at(n * 15, raise(co2('a'), n * 15)).at(n * 15 + 5, told('clear', co2('a'), n * 15, n * 15 + 5));
    }
    expect(world.told).toEqual(['opened co2-high~a']);
    expect(world.open).toMatchObject([{ chattering: true, activations: 30 }]);
    expect(world.restart().until(441, 1039).told).toHaveLength(1);
    expect(world.until(1040, 1041).told).toEqual(['opened co2-high~a', 'closed co2-high~a']);
  });

  it('makes one incident of a flood of alarms of one rule at one site', () => {
    const flood = Array.from({ length: 5000 }, (_, i) => raise(co2(`s1-env-${i + 1}`)));
    const world = new DeskWorld(school)
      .at(0, ...flood, raise(co2('one', { site: 's2' })))
      .at(10)
      .at(11, raise(co2('late'), 11));
    expect(world.told).toEqual(['opened co2-high~one', 'opened co2-high~s1-env-1000']);
    expect(world.open).toMatchObject([{ alarms: 1 }, { alarms: 5001, cause: 'alike' }]);
  });

  it('leaves ten alarms of one rule their own incidents', () => {
    const world = new DeskWorld().at(0, ...Array.from({ length: 10 }, (_, i) => raise(co2(`a${i}`)))).at(10);
    expect(world.told).toHaveLength(10);
  });
});

describe('who is held back', () => {
  const shelf = { by: 'zhang', at: 0, title: { zh: '', en: '' }, site: 's1' };
  const start = raise(co2('a')).alarm.raisedAt;

  it('has no incident while it is shelved, and one when it is still active afterwards', () => {
    const world = new DeskWorld();
    world.desk.shelve('co2-high~a', { ...shelf, kind: 'shelved', until: start + 100_000 });
    world.at(0, raise(co2('a'))).until(1, 99);
    expect(world.told).toEqual([]);
    expect([...world.alarms.values()]).toMatchObject([{ hold: { kind: 'shelved', by: 'zhang' } }]);
    expect(world.restart().until(100, 101).told).toEqual(['opened co2-high~a']);
  });

  it('takes its children along, who come back with it', () => {
    const world = new DeskWorld(school);
    world.desk.shelve('gateway-silent~s1-gw-1', { ...shelf, kind: 'out_of_service' });
    world.at(0, raise(ap('s1-ap-1')), raise(gateway('s1-gw-1'))).until(1, 400);
    expect(world.told).toEqual([]);
    world.desk.shelve('gateway-silent~s1-gw-1', undefined);
    world.until(401, 800);
    expect(world.told).toEqual(['opened gateway-silent~s1-gw-1']);
    expect(world.open).toMatchObject([{ alarms: 2 }]);
  });

  it('closes an incident that is only held back', () => {
    const world = new DeskWorld(school).at(0, raise(ap('s1-ap-1')), raise(gateway('s1-gw-1'))).until(1, 80);
    world.desk.shelve('gateway-silent~s1-gw-1', { ...shelf, kind: 'out_of_service' });
    expect(world.until(81, 400).told).toEqual([
      'opened gateway-silent~s1-gw-1',
      'closed gateway-silent~s1-gw-1',
    ]);
  });

  it('is quiet under maintenance, but not about safety', () => {
    const world = new DeskWorld(school);
    world.inMaintenance = ({ site: place }, at) => place === 's1' && at < start + 200_000;
    world.at(0, raise(co2('a')), raise(co2('b', { rule: 'co-high', safety: true }))).until(1, 199);
    expect(world.told).toEqual(['opened co-high~b']);
    expect(world.until(200, 201).told).toEqual(['opened co-high~b', 'opened co2-high~a']);
  });
});
