import { describe, expect, it } from 'vitest';
import type { SchoolPhase } from '../../../../devices/timetable.js';
import type { Transition } from '../../../../rules/alarm.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import { parseRules } from '../../../../rules/parse-rules.js';
import type { Tally } from '../../../../rules/tally.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';
import { EngineCheckpoint } from '../../../support/engine-checkpoint.js';
import { at, minute, play, start } from '../../../support/rule-play.js';

describe('severity steps', () => {
  const steps =
    'steps: [{ severity: warning, condition: co2_ppm > 1000, for: 10m, clear: co2_ppm < 900 }, ' +
    '{ severity: major, condition: co2_ppm > 1500, for: 2m, clear: co2_ppm < 1200 }]';

  it('go up and down within one alarm', () => {
    const { engine, device } = play(steps);
    const found: Transition[] = [];
    const course = [1100, 1100, 1600, 1600, 1600, 1600, 1300, 1100, 1100, 1100, 1100, 800];
    course.forEach((co2_ppm, i) =>
      found.push(...engine.reading(device('d1'), { ts: at(2 * i), m: { co2_ppm } }, at(2 * i))),
    );
    expect(
      found.map(({ kind, severity, from, at: when, revision }) => [
        kind,
        severity,
        from,
        (when - start) / minute,
        revision,
      ]),
    ).toEqual([
      // 1500 ppm for two minutes before 1000 ppm for ten.
      ['raise', 'major', undefined, 6, 0],
      ['change', 'warning', 'major', 14, 1],
      ['clear', 'warning', undefined, 22, 2],
    ]);
    expect(new Set(found.map(({ alarm }) => alarm)).size).toBe(1);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(found[1]).toMatchObject({
      condition: 'co2_ppm < 1200',
      id: expect.stringMatching(/~change-1$/) as string,
    });
  });

  it('count up while the alarm is active', () => {
    const { reading } = play(steps);
    for (let m = 0; m < 10; m += 2) expect(reading(m, { co2_ppm: 1100 })).toEqual([]);
    expect(reading(10, { co2_ppm: 1100 })).toEqual(['raise@10']);
    expect(reading(12, { co2_ppm: 1700 })).toEqual([]);
    expect(reading(14, { co2_ppm: 1700 })).toEqual(['change major@14']);
    expect(reading(16, { co2_ppm: 800 })).toEqual(['clear@16']);
  });
});

describe('a tumbling window', () => {
  it('is the last full hour of the clock, which no single reading breaches', () => {
    const { reading } = play('condition: \'mean(hcho_mgm3, "1h", "tumbling") > 0.08\'');
    for (let m = 5; m < 60; m += 10) expect(reading(m, { hcho_mgm3: m < 40 ? 0.1 : 0.07 })).toEqual([]);
    expect(reading(65, { hcho_mgm3: 0.02 })).toEqual(['raise@65']);
    for (let m = 75; m < 120; m += 10) expect(reading(m, { hcho_mgm3: 0.02 })).toEqual([]);
    expect(reading(125, { hcho_mgm3: 0.3 })).toEqual(['clear@125']);
  });

  it('knows how much of it was measured, however often that was', () => {
    const { reading } = play('condition: \'coverage(pm25_ugm3, "24h", "tumbling") >= 0.75\'');
    // Three hours of a reading every ten seconds are three hours of the day, which the second has all of.
    for (let s = 0; s <= 180 * 60; s += 10) expect(reading(13 * 60 + s / 60, { pm25_ugm3: 80 })).toEqual([]);
    const secondDay = 16 * 60 + 24 * 60;
    for (let m = 16 * 60 + 1; m < secondDay; m++) expect(reading(m, { pm25_ugm3: 80 })).toEqual([]);
    expect(reading(secondDay, { pm25_ugm3: 5 })).toEqual([`raise@${secondDay}`]);
  });

  it('weighs what came every ten seconds by its time', () => {
    const { reading } = play([
      'condition: \'mean(hcho_mgm3, "1h", "tumbling") > 0.05\'',
      'condition: \'share(hcho_mgm3 > 0.1, "1h") > 0.2\'',
    ]);
    // Fifty minutes of 0.02 and ten of 0.15 are a mean of 0.042, and a sixth of the hour.
    for (let s = 60; s < 3600; s += s < 3000 ? 60 : 10)
      expect([s, reading(s / 60, { hcho_mgm3: s > 3000 ? 0.15 : 0.02 })]).toEqual([s, []]);
    expect(reading(60, { hcho_mgm3: 0.02 })).toEqual([]);
  });

  it('of a day begins at midnight on the wall', () => {
    const { reading } = play('condition: \'mean(pm25_ugm3, "24h", "tumbling") > 50\'');
    for (let m = 0; m < 16 * 60; m += 30) expect(reading(m, { pm25_ugm3: 60 })).toEqual([]);
    expect(reading(16 * 60, { pm25_ugm3: 10 })).toEqual(['raise@960']);
  });
});

describe('values that a reading lacks or had before', () => {
  it('are known as the last one, the one before, and how old it is', () => {
    const { reading } = play([
      'condition: last(co2_ppm) > 1000 && occupied == 1',
      'condition: math.abs(step(temp_c)) > 5',
      'condition: age_s(co2_ppm) > 600',
    ]);
    expect(reading(0, { co2_ppm: 1100, temp_c: 20 })).toEqual([]);
    expect(reading(1, { occupied: 1, temp_c: 26 })).toEqual(['raise r1@1', 'raise r2@1']);
    expect(reading(2, { temp_c: 26 })).toEqual(['clear r2@2']);
    expect(reading(10, { temp_c: 26 })).toEqual([]);
    expect(reading(11, { temp_c: 26 })).toEqual(['raise r3@11']);
    expect(reading(12, { co2_ppm: 400, temp_c: 26 })).toEqual(['clear r1@12', 'clear r3@12']);
  });

  it('of a metric that never came are unknown: it is not missed', () => {
    const { reading } = play('condition: age_s(co2_ppm) > 600');
    for (let m = 0; m < 60; m += 5) expect(reading(m, { temp_c: 20 })).toEqual([]);
  });
});

describe('events', () => {
  it('are counted over a time', () => {
    const { event, reading } = play('condition: \'events("radar", "24h") >= 3\'', { class: 'ap' });
    expect(event(0, 'radar')).toEqual([]);
    expect(event(5, 'reboot')).toEqual([]);
    expect(event(10, 'radar')).toEqual([]);
    expect(event(20, 'radar')).toEqual(['raise@20']);
    expect(reading(30, { clients: 3 })).toEqual([]);
    expect(reading(27 * 60, { clients: 3 })).toEqual([`clear@${27 * 60}`]);
  });

  it('followed by something within a time, or not', () => {
    const { event, reading, tick } = play(
      [
        'condition: \'then(event("radar"), clients == 0, "5m")\'',
        'condition: \'not_then(event("reboot"), clients > 0, "10m")\'',
      ],
      { class: 'ap' },
    );
    event(0, 'radar');
    expect(reading(4, { clients: 0 })).toEqual(['raise r1@4']);
    expect(reading(6, { clients: 0 })).toEqual(['clear r1@6']);
    event(10, 'reboot');
    expect(tick(19)).toEqual([]);
    // Time alone tells that nothing came.
    expect(tick(20)).toEqual(['raise r2@20']);
    expect(reading(21, { clients: 4 })).toEqual(['clear r2@21']);
    event(30, 'reboot');
    expect(reading(33, { clients: 4 })).toEqual([]);
    expect(tick(41)).toEqual([]);
  });

  it('and readings are put in order, whichever arrives first', () => {
    const rules = [
      'condition: \'then(event("radar"), clients == 0, "5m")\'',
      'condition: \'not_then(event("reboot"), clients > 0, "10m")\'',
    ];
    const { engine, device, short, reading, tick } = play(rules, { class: 'ap' });
    const event = (minutes: number, type: string, arrival: number) =>
      short(engine.event(device('d1'), type, at(minutes), at(arrival)));
    expect(reading(3, { clients: 0 })).toEqual([]);
    expect(event(2, 'radar', 3.5)).toEqual([expect.stringMatching(/^raise r1@/)]);
    expect(reading(4, { clients: 5 })).toEqual(['clear r1@4']);
    // Radar after the clients were gone did not drive them away.
    reading(15, { clients: 0 });
    expect(event(16, 'radar', 16)).toEqual([]);
    expect(reading(17, { clients: 4 })).toEqual([]);
    // Clients were back a minute after the restart, whose event comes after theirs.
    expect(reading(31, { clients: 5 })).toEqual([]);
    expect(event(30, 'reboot', 31.1)).toEqual([]);
    for (let m = 32; m < 50; m++) expect(tick(m)).toEqual([]);
    // What answers the first of two restarts is no answer to the second.
    expect(event(60, 'reboot', 60)).toEqual([]);
    expect(event(64, 'reboot', 64)).toEqual([]);
    expect(reading(62, { clients: 5 }, 'd1', 2.5)).toEqual([]);
    expect(tick(73)).toEqual([]);
    expect(tick(77)).toEqual([expect.stringMatching(/^raise r2@/)]);
    expect(reading(78, { clients: 2 })).toEqual(['clear r2@78']);
  });

  it('and time go by the clock of the device', () => {
    const { engine, device, tick } = play('condition: \'not_then(event("reboot"), clients > 0, "10m")\'', {
      class: 'ap',
    });
    // Its clock is eight minutes behind.
    engine.reading(device('d1'), { ts: at(0), m: { clients: 1 } }, at(8));
    engine.event(device('d1'), 'reboot', at(1), at(9));
    expect(tick(18)).toEqual([]);
    expect(tick(19)).toEqual(['raise@11']);
  });

  it('let a condition ask how long ago something was', () => {
    const { reading } = play('condition: seconds_since(occupied == 1) > 1800 && lux > 300');
    expect(reading(0, { occupied: 0, lux: 500 })).toEqual([]);
    expect(reading(1, { occupied: 1, lux: 500 })).toEqual([]);
    expect(reading(31, { occupied: 0, lux: 500 })).toEqual([]);
    expect(reading(32, { occupied: 0, lux: 500 })).toEqual(['raise@32']);
  });
});

describe('a rule about a group', () => {
  const silent = 'group: site, condition: member_share(silence_s > 300) >= 0.3 && members() >= 4';

  it('is raised by a share of its devices, and names some of them', () => {
    const { engine, device, tick } = play(silent, { class: 'ap' });
    for (let i = 0; i < 10; i++) engine.lastSeen(device(`ap${i}`), at(0));
    for (let i = 3; i < 10; i++) engine.lastSeen(device(`ap${i}`), at(4));
    expect(tick(5)).toEqual([]);
    const [raised] = engine.tick(at(6));
    expect(raised).toMatchObject({
      kind: 'raise',
      group: { kind: 'site', id: 's1' },
      evidence: { 'member_share(silence_s > 300)': 0.3, 'members()': 10, devices: 'ap0, ap1, ap2' },
    });
    expect(raised?.device).toBeUndefined();
    engine.lastSeen(device('ap0'), at(6.5));
    expect(tick(7)).toEqual(['clear@7']);
  });

  it('counts conditions of readings as they come, also from devices that move', () => {
    const world = { class: 'ap', device: { floor: 2 } } as const;
    const { engine, device, reading, tick } = play(
      'group: floor, condition: members(clients == 0) >= 2',
      world,
    );
    for (const id of ['a', 'b', 'c']) reading(0, { clients: 0 }, id);
    expect(tick(1)).toEqual(['raise@1']);
    reading(2, { clients: 9 }, 'a');
    expect(tick(2)).toEqual([]);
    engine.describe({ ...device('b'), floor: 3 });
    expect(tick(3)).toEqual(['clear@3']);
  });

  it('can count alarms, with their hold times', () => {
    const { reading, tick } = play(
      ['condition: co2_ppm > 1000, for: 10m', 'group: room, condition: \'members(active("r1")) >= 1\''],
      { device: { room: 'r101' } },
    );
    for (let m = 0; m < 10; m++) reading(m, { co2_ppm: 1200 });
    expect(tick(9)).toEqual([]);
    expect(reading(10, { co2_ppm: 1200 })).toEqual(['raise r1@10']);
    expect(tick(11)).toEqual(['raise r2@11']);
  });

  it('is abandoned when its last device is gone', () => {
    const { engine, device, reading, tick } = play('group: site, condition: members(co2_ppm > 1000) >= 1');
    reading(0, { co2_ppm: 1200 });
    expect(tick(1)).toEqual(['raise@1']);
    engine.forget(device('d1').id);
    expect(engine.takeAbandoned()).toEqual([
      { alarm: `r1~s1~${at(1)}`, reason: 'device_removed', shadow: false },
    ]);
  });
});

describe('a rule about a district', () => {
  const rule =
    "- { id: many, group: district, class: ap, severity: major, condition: 'member_share(clients == 0) >= 0.5', " +
    'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test }';
  const rules = parseRules([{ name: 'r.yaml', text: rule }]);
  const ap = (id: string): DeviceRef => ({ id, site: `of-${id}`, deviceClass: 'ap', district: 'chancheng' });
  const at = (seconds: number) => start + seconds * 1000;

  /** Three shards of the log, the first of which judges districts by what all tell. */
  function shards() {
    const engines = [0, 1, 2].map(() => createEngine(rules));
    const told: { shard: number; tally: Tally }[] = [];
    const hear = (shard: number, id: string, clients: number, seconds: number) =>
      engines[shard]?.reading(ap(id), { ts: at(seconds), m: { clients } }, at(seconds));
    const tick = (shard: number, seconds: number) => {
      engines[shard]?.tick(at(seconds));
      const tally = engines[shard]?.takeTally();
      if (tally !== undefined) told.push({ shard, tally });
    };
    return { engines, told, hear, tick };
  }

  it('counts the devices of all shards at the same moment, in whatever order they tell', () => {
    const orders = [
      [0, 1, 2, 3, 4, 5],
      [5, 2, 4, 1, 3, 0],
      [2, 5, 1, 0, 4, 3],
    ];
    const { engines, told, hear, tick } = shards();
    for (const shard of [0, 1, 2]) hear(shard, `ap${shard}`, 0, 1);
    hear(1, 'ap3', 4, 1);
    hear(1, 'ap4', 4, 1);
    for (const shard of [0, 1, 2]) tick(shard, 11);
    hear(0, 'ap0', 9, 12);
    for (const shard of [0, 1, 2]) tick(shard, 21);
    expect(told).toHaveLength(6);
    for (const order of orders) {
      const city = createEngine(rules);
      // A shard tells in order; another engine may have been killed and told twice.
      const queue = order
        .map((i) => told[i])
        .toSorted((a, b) => (a?.shard === b?.shard ? (a?.tally.at ?? 0) - (b?.tally.at ?? 0) : 0));
      const found = [...queue, ...queue].flatMap((each) =>
        city.tally(each?.shard ?? 0, 3, each?.tally as Tally),
      );
      expect(found).toMatchObject([
        { kind: 'raise', at: at(10), group: { kind: 'district', id: 'chancheng' }, site: 'unassigned' },
        { kind: 'clear', at: at(20) },
      ]);
    }
    expect(engines[1]?.takeTally()).toBeUndefined();
  });

  it('waits for the shards that have not told yet, also across a restart', () => {
    const { told, hear, tick } = shards();
    for (const shard of [0, 1, 2]) hear(shard, `ap${shard}`, 0, 1);
    for (const shard of [0, 1, 2]) tick(shard, 11);
    const city = createEngine(rules);
    expect(told.slice(0, 2).flatMap(({ shard, tally }) => city.tally(shard, 3, tally))).toEqual([]);
    const after = createEngine(rules);
    const checkpoint = new EngineCheckpoint();
    checkpoint.save(city);
    checkpoint.restore(after);
    const [last] = told.slice(2);
    expect(after.tally(last?.shard ?? 0, 3, last?.tally as Tally)).toMatchObject([
      { kind: 'raise', evidence: { 'member_share(clients == 0)': 1 } },
    ]);
  });
});

describe('a device among its neighbours', () => {
  it('is compared with their median of the last minute', () => {
    const rule = 'condition: \'retry_pct > 2 * peer_median(retry_pct, "floor")\'';
    const { reading, tick } = play(rule, { class: 'ap', device: { floor: 2 } });
    for (const id of ['a', 'b', 'c']) reading(0, { retry_pct: 10 }, id);
    expect(reading(0, { retry_pct: 25 }, 'd')).toEqual([]);
    tick(1);
    expect(reading(1, { retry_pct: 25 }, 'd')).toEqual(['raise@1']);
    expect(reading(1, { retry_pct: 12 }, 'a')).toEqual([]);
  });
});

describe('what is usual', () => {
  const week = 7 * 24 * 60;
  /** An hour of the week has its own level: Mondays at 10:00 many clients, else few. */
  const clients = (m: number) => (Math.floor((m % week) / 60) === 2 ? 60 + (m % 7) : 10 + (m % 3));

  it('is known by the hour of the week after three weeks, and what is not usual then', () => {
    const { reading } = play(
      [
        'condition: unusual(clients)',
        'condition: clients > 3 * yesterday(clients)',
        'condition: clients < 0.5 * last_week(clients)',
      ],
      { class: 'ap' },
    );
    const found: string[] = [];
    for (let m = 0; m < 3 * week + 3 * 60; m += 10)
      found.push(...reading(m, { clients: clients(m) }).filter((each) => each.includes('r1')));
    expect(found).toEqual([]);
    // In the fourth week the crowd of Monday comes an hour late.
    const late: string[] = [];
    for (let m = 3 * week + 3 * 60; m < 3 * week + 4 * 60; m += 10)
      late.push(...reading(m, { clients: 60 }).filter((each) => each.includes('r1')));
    // As soon as the half hour that is looked at lies in that hour alone.
    expect(late).toEqual([`raise r1@${3 * week + 3 * 60 + 30}`]);
  });

  it('yesterday and a week ago is the mean of that hour', () => {
    const { engine, device } = play(
      'condition: rx_mbps > 2 * yesterday(rx_mbps) && rx_mbps < 2 * last_week(rx_mbps)',
      { class: 'gateway' },
    );
    const day = 24 * 60;
    const found: Transition[] = [];
    for (let m = 0; m <= 7 * day; m += 30) {
      // The sixth day is quiet.
      const rx_mbps = m >= 6 * day && m < 7 * day ? 100 : 400;
      found.push(...engine.reading(device('g'), { ts: at(m), m: { rx_mbps } }, at(m)));
    }
    expect(found).toMatchObject([
      { kind: 'raise', at: at(7 * day), evidence: { 'yesterday(rx_mbps)': 100, 'last_week(rx_mbps)': 400 } },
    ]);
  });

  it('of late is found to have shifted by CUSUM, EWMA and the level', () => {
    const shifted = (rule: string) => {
      const { reading } = play(rule, { class: 'gateway' });
      const found: string[] = [];
      for (let m = 0; m < 600; m++) {
        const noise = ((m * 7919) % 11) - 5;
        found.push(...reading(m, { rtt_ms: (m < 500 ? 20 : 32) + noise }));
      }
      return found;
    };
    const minuteOf = (found: readonly string[]) => Number(found[0]?.split('@')[1]);
    for (const rule of [
      'condition: \'cusum(rtt_ms, "30m") > 5\'',
      'condition: \'shifted(rtt_ms, "30m")\'',
      'condition: \'ewma_z(rtt_ms, "10m") > 5\'',
      'condition: \'level_shift(rtt_ms, "30m") > 1.5\'',
    ]) {
      const found = shifted(rule);
      expect([rule, found[0]]).toEqual([rule, expect.stringMatching(/^raise@/)]);
      expect(minuteOf(found)).toBeGreaterThanOrEqual(500);
      expect(minuteOf(found)).toBeLessThan(530);
    }
  });

  it('has not shifted by mere chance in a week of minutes', () => {
    const { reading } = play('condition: \'shifted(rtt_ms, "30m")\'', { class: 'gateway' });
    const random = seededRandom(5);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    for (let m = 0; m < 7 * 24 * 60; m++) {
      const moves = reading(m, { rtt_ms: 20 + normal() });
      if (moves.length > 0) expect(moves).toEqual([]);
    }
  });
});

describe('the context', () => {
  it('is that of the site, the room and the timetable', () => {
    let phase: SchoolPhase | undefined = 'lesson';
    const world = { class: 'whiteboard', phaseAt: () => phase } as const;
    const { reading } = play('condition: power == "on" && phase != "lesson" && phase != "break"', world);
    expect(reading(0, { power: 'on' })).toEqual([]);
    phase = 'after_school';
    expect(reading(1, { power: 'on' })).toEqual(['raise@1']);
    // Where nobody knows, nothing changes.
    phase = undefined;
    expect(reading(2, { power: 'on' })).toEqual([]);
    phase = 'lesson';
    expect(reading(3, { power: 'on' })).toEqual(['clear@3']);
  });

  it('tells what was contracted, the stage, the kind of room and maintenance', () => {
    const device = { contractedMbps: 1000, stage: 'primary', roomKind: 'equipment' } as const;
    const rule =
      'condition: throughput_down_mbps < 0.8 * contracted_mbps && stage == "primary" && !maintenance';
    const working = play(rule, { class: 'gateway', device });
    expect(working.reading(0, { throughput_down_mbps: 700 })).toEqual(['raise@0']);
    const atWork = play(rule, { class: 'gateway', device, isInMaintenance: () => true });
    expect(atWork.reading(0, { throughput_down_mbps: 700 })).toEqual([]);
    const unknown = play(rule, { class: 'gateway' });
    expect(unknown.reading(0, { throughput_down_mbps: 700 })).toEqual([]);
  });
});

describe('a rule that asks for an alarm of another one', () => {
  it('is judged after it, wherever it stands in the file', () => {
    const { reading } = play(['condition: temp_c > 30 && !active("r2")', 'condition: rh_pct == 0']);
    expect(reading(0, { temp_c: 31, rh_pct: 0 })).toEqual(['raise r2@0']);
    expect(reading(1, { temp_c: 31, rh_pct: 50 })).toEqual(['clear r2@1', 'raise r1@1']);
  });
});

describe('other rules', () => {
  const ruleSet = (text: string) => parseRules([{ name: 'r.yaml', text }]);
  const one = (id: string, condition: string, more = '') =>
    `- { id: ${id}, title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: t, class: sensor, severity: minor, ` +
    `condition: '${condition}'${more} }\n`;
  const device: DeviceRef = { id: 'd1', site: 's1', deviceClass: 'sensor' };

  it('leave the state of those that stayed as it was', () => {
    const engine = createEngine(
      ruleSet(one('hot', 'mean(temp_c, "10m") > 28', ', for: 10m') + one('dry', 'rh_pct < 20')),
    );
    for (let m = 0; m < 8; m++) engine.reading(device, { ts: at(m), m: { temp_c: 30, rh_pct: 10 } }, at(m));
    engine.replaceRules(
      ruleSet(one('hot', 'mean(temp_c, "10m") > 28', ', for: 10m') + one('damp', 'rh_pct > 80')),
    );
    expect(engine.takeAbandoned()).toEqual([
      { alarm: `dry~d1~${at(0)}`, reason: 'rule_removed', shadow: false },
    ]);
    const m = { temp_c: 30, rh_pct: 10 };
    expect(engine.reading(device, { ts: at(8), m }, at(8))).toEqual([]);
    expect(engine.reading(device, { ts: at(10), m }, at(10))).toMatchObject([{ kind: 'raise', rule: 'hot' }]);
  });

  it('take an alarm over where only its limit is another', () => {
    const engine = createEngine(ruleSet(one('hot', 'temp_c > 28')));
    engine.reading(device, { ts: at(0), m: { temp_c: 30 } }, at(0));
    engine.replaceRules(ruleSet(one('hot', 'temp_c > 29')));
    expect(engine.takeAbandoned()).toEqual([]);
    const [cleared] = engine.reading(device, { ts: at(1), m: { temp_c: 28.5 } }, at(1));
    expect(cleared).toMatchObject({ kind: 'clear', alarm: `hot~d1~${at(0)}`, condition: '!(temp_c > 29)' });
  });

  it('that are off cost nothing, and those in the shadow say so', () => {
    const engine = createEngine(
      ruleSet(one('a', 'temp_c > 28', ', mode: off') + one('b', 'temp_c > 28', ', mode: shadow')),
    );
    expect(engine.reading(device, { ts: at(0), m: { temp_c: 30 } }, at(0))).toMatchObject([
      { rule: 'b', shadow: true },
    ]);
  });
});

describe('a device', () => {
  it('that is another class now leaves its alarms behind', () => {
    const { engine, device, reading } = play('condition: temp_c > 28');
    reading(0, { temp_c: 30 });
    engine.lastSeen({ ...device('d1'), deviceClass: 'ap' }, at(1));
    expect(engine.takeAbandoned()).toEqual([
      { alarm: `r1~d1~${at(0)}`, reason: 'device_changed', shadow: false },
    ]);
  });

  it('whose clock jumps a day ahead and back goes on when its time comes again', () => {
    const { reading } = play('condition: \'mean(temp_c, "10m") > 28\'');
    expect(reading(0, { temp_c: 20 })).toEqual([]);
    expect(reading(1440, { temp_c: 20 })).toEqual([]);
    expect(reading(1, { temp_c: 40 })).toEqual([]);
    expect(reading(1441, { temp_c: 50 })).toEqual(['raise@1441']);
  });
});
