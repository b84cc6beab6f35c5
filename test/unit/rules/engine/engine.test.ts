import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../../../devices/device-class.js';
import type { Reading } from '../../../../devices/telemetry.js';
import type { Transition } from '../../../../rules/alarm.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import { parseRules } from '../../../../rules/parse-rules.js';

const minute = 60_000;
const start = Date.parse('2026-03-02T08:00:00+08:00');

/** An engine over one rule, with times in minutes since 08:00. */
function timeline(rule: string, deviceClass: DeviceClass = 'sensor') {
  const texts = 'title: { zh: 甲, en: A }\nadvice: { zh: 乙, en: B }\nsource: test\nseverity: minor';
  const text = `id: r\nclass: ${deviceClass}\n${texts}\n${rule}`;
  const engine = createEngine(parseRules([{ name: 'rule.yaml', text }]));
  const device: DeviceRef = { id: 'd1', site: 's1', deviceClass };
  const at = (minutes: number) => start + minutes * minute;
  const short = (transitions: readonly Transition[]) =>
    transitions.map((t) => `${t.kind}${t.part === undefined ? '' : ` ${t.part}`}@${(t.at - start) / minute}`);
  return {
    engine,
    device,
    at,
    reading: (minutes: number, m: Reading['m'], parts?: Reading['parts'], arrived = minutes) =>
      short(engine.reading(device, { ts: at(minutes), m, parts }, at(arrived))),
    tick: (minutes: number) => short(engine.tick(at(minutes))),
    short,
  };
}

describe('an alarm', () => {
  it('is raised when the condition has held for the hold time, by the device clock', () => {
    const { reading } = timeline('condition: temp_c > 28\nfor: 10m');
    expect(reading(0, { temp_c: 29 }, undefined, 7)).toEqual([]);
    expect(reading(9, { temp_c: 29 })).toEqual([]);
    expect(reading(10, { temp_c: 29 })).toEqual(['raise@10']);
    expect(reading(11, { temp_c: 29 })).toEqual([]);
  });

  it('waits anew after the condition failed once', () => {
    const { reading } = timeline('condition: temp_c > 28\nfor: 10m');
    reading(0, { temp_c: 29 });
    reading(5, { temp_c: 28 });
    reading(6, { temp_c: 29 });
    expect(reading(15, { temp_c: 29 })).toEqual([]);
    expect(reading(16, { temp_c: 29 })).toEqual(['raise@16']);
  });

  it('stays between the condition and the clear condition, and clears after the clear hold', () => {
    const { reading } = timeline('condition: temp_c > 28\nclear: temp_c < 26\nclearFor: 5m');
    expect(reading(0, { temp_c: 29 })).toEqual(['raise@0']);
    expect(reading(1, { temp_c: 27 })).toEqual([]);
    expect(reading(2, { temp_c: 25 })).toEqual([]);
    expect(reading(6, { temp_c: 27 })).toEqual([]);
    expect(reading(7, { temp_c: 25 })).toEqual([]);
    expect(reading(12, { temp_c: 25 })).toEqual(['clear@12']);
    expect(reading(13, { temp_c: 29 })).toEqual(['raise@13']);
  });

  it('clears when the condition no longer holds, where the rule names no other', () => {
    const { reading } = timeline('condition: temp_c > 28');
    expect(reading(0, { temp_c: 29 })).toEqual(['raise@0']);
    expect(reading(1, { temp_c: 28 })).toEqual(['clear@1']);
  });

  it('is left as it is by a reading that lacks the metric', () => {
    const { reading } = timeline('condition: temp_c > 28 && occupied == 1\nfor: 5m\nclear: temp_c < 26');
    reading(0, { temp_c: 29, occupied: 1 });
    expect(reading(3, { occupied: 1 })).toEqual([]);
    expect(reading(4, { temp_c: 29 })).toEqual([]);
    expect(reading(5, { temp_c: 29, occupied: 1 })).toEqual(['raise@5']);
    expect(reading(6, { occupied: 1 })).toEqual([]);
    expect(reading(7, { temp_c: 25 })).toEqual(['clear@7']);
  });

  it('does not count a gap of more than half an hour as holding', () => {
    const { reading } = timeline('condition: temp_c > 28\nfor: 10m');
    reading(0, { temp_c: 29 });
    expect(reading(31, { temp_c: 29 })).toEqual([]);
    expect(reading(41, { temp_c: 29 })).toEqual(['raise@41']);
  });

  it('is raised by a share of the time, which a short calm does not undo', () => {
    const { reading } = timeline(
      'condition: share(temp_c > 28 && occupied == 1, "10m") > 0.7 && count(temp_c, "10m") >= 10',
    );
    for (let m = 0; m < 10; m++) expect(reading(m, { temp_c: 20, occupied: 1 })).toEqual([]);
    const hot = (m: number) => reading(m, { temp_c: m === 14 ? 20 : 30, occupied: 1 });
    for (let m = 10; m < 18; m++) expect(hot(m)).toEqual([]);
    expect(hot(18)).toEqual(['raise@18']);
    // A reading that doesn't say whether anybody is there is not one of either kind.
    expect(reading(19, { temp_c: 20 })).toEqual([]);
  });

  it('of a device that flaps is raised by the number of changes, and of words, too', () => {
    const { reading } = timeline('condition: changes(power, "10m") >= 3', 'whiteboard');
    expect(reading(0, { power: 'on' })).toEqual([]);
    expect(reading(1, { power: 'off' })).toEqual([]);
    expect(reading(2, { power: 'on' })).toEqual([]);
    expect(reading(3, { power: 'off' })).toEqual(['raise@3']);
    expect(reading(10, { power: 'off' })).toEqual(['clear@10']);
  });

  it('of a stuck value is not raised by one that was always constant', () => {
    const stuck =
      'condition: max(co2_ppm, "2h") == min(co2_ppm, "2h") && count(co2_ppm, "2h") >= 20 && stddev(co2_ppm, "24h") > 0';
    const honest = timeline(stuck);
    for (let m = 0; m < 300; m += 5) expect(honest.reading(m, { co2_ppm: 420 })).toEqual([]);
    const { reading } = timeline(stuck);
    for (let m = 0; m < 60; m += 5) reading(m, { co2_ppm: 600 + m });
    const found: string[] = [];
    for (let m = 60; m < 300; m += 5) found.push(...reading(m, { co2_ppm: 655 }));
    expect(found).toEqual(['raise@170']);
  });

  it('of a part looks at windows of that part alone', () => {
    const { reading } = timeline('condition: share(chan_util_pct > 80, "10m") > 0.5', 'ap');
    const radios = (radio2: number, radio5: number) => ({
      radio2: { chan_util_pct: radio2 },
      radio5: { chan_util_pct: radio5 },
    });
    expect(reading(0, {}, radios(10, 90))).toEqual(['raise radio5@0']);
    expect(reading(1, {}, radios(10, 10))).toEqual(['clear radio5@1']);
  });

  it('is not raised by one spike when the rule looks at a mean', () => {
    const { reading } = timeline('condition: mean(co2_ppm, "5m") > 1000');
    for (let m = 0; m < 10; m++) expect(reading(m, { co2_ppm: 700 })).toEqual([]);
    expect(reading(10, { co2_ppm: 1900 })).toEqual([]);
    expect(reading(11, { co2_ppm: 1900 })).toEqual(['raise@11']);
  });

  it('is moved by a reading that comes late through the windows only, as of the newest one', () => {
    const { reading } = timeline('condition: max(temp_c, "10m") > 28');
    reading(5, { temp_c: 20 });
    expect(reading(3, { temp_c: 25 })).toEqual([]);
    // As if it had come in time: what is known at the newest reading's time is judged anew.
    expect(reading(4, { temp_c: 30 })).toEqual(['raise@5']);
    expect(reading(5, { temp_c: 30 })).toEqual([]);
    expect(reading(6, { temp_c: 20 })).toEqual([]);
  });

  it('names itself, its evidence and its place in every transition', () => {
    const { engine, device, at } = timeline('condition: temp_c > 28');
    engine.reading(device, { ts: at(0), m: { temp_c: 29.5 } }, at(0));
    const [cleared] = engine.reading(device, { ts: at(1), m: { temp_c: 20 } }, at(1));
    expect(cleared).toEqual({
      id: `r~d1~${at(0)}~clear`,
      alarm: `r~d1~${at(0)}`,
      kind: 'clear',
      at: at(1),
      revision: 1,
      raisedAt: at(0),
      rule: 'r',
      ruleVersion: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      severity: 'minor',
      title: { zh: '甲', en: 'A' },
      advice: { zh: '乙', en: 'B' },
      condition: '!(temp_c > 28)',
      evidence: { temp_c: 20 },
      site: 's1',
      deviceClass: 'sensor',
      device: 'd1',
    });
  });

  it('is none of a device of another class', () => {
    const { engine, at } = timeline('condition: temp_c > 28');
    const ap: DeviceRef = { id: 'ap1', site: 's1', deviceClass: 'ap' };
    expect(engine.reading(ap, { ts: at(0), m: { temp_c: 60 } }, at(0))).toEqual([]);
  });
});

describe('a rule about what parts report', () => {
  const rule = 'condition: chan_util_pct > 70 && clients > 5';

  it('raises and clears one alarm a part, with the rest read from the device', () => {
    const { reading, engine, device, at } = timeline(rule, 'ap');
    const busy = { chan_util_pct: 80 };
    expect(reading(0, { clients: 9 }, { radio2: busy, radio5: { chan_util_pct: 10 } })).toEqual([
      'raise radio2@0',
    ]);
    const [raised] = engine.reading(device, { ts: at(1), m: { clients: 9 }, parts: { radio5: busy } }, at(1));
    expect(raised).toMatchObject({
      alarm: `r~d1~radio5~${at(1)}`,
      evidence: { chan_util_pct: 80, clients: 9 },
    });
    expect(reading(2, { clients: 1 }, { radio2: busy, radio5: busy })).toEqual([
      'clear radio2@2',
      'clear radio5@2',
    ]);
  });

  it('has a window for each part', () => {
    const { reading } = timeline('condition: mean(chan_util_pct, "10m") > 70', 'ap');
    reading(0, {}, { radio2: { chan_util_pct: 0 }, radio5: { chan_util_pct: 60 } });
    const both = { radio2: { chan_util_pct: 90 }, radio5: { chan_util_pct: 90 } };
    expect(reading(1, {}, both)).toEqual(['raise radio5@1']);
  });

  it('is evaluated for 64 parts at most', () => {
    const { reading } = timeline('condition: chan_util_pct > 70', 'ap');
    const parts = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, { chan_util_pct: 90 }]));
    expect(reading(0, {}, parts)).toHaveLength(64);
  });
});

describe('a rule about silence', () => {
  const rule = 'condition: silence_s > math.greatest(3 * interval_s, 300)';

  it('raises when nothing is heard of a known device and clears when it reports again', () => {
    const { reading, tick } = timeline(rule);
    expect(tick(0)).toEqual([]);
    reading(1, { temp_c: 20 });
    expect(tick(6)).toEqual([]);
    expect(tick(6.1)).toEqual(['raise@6.1']);
    expect(tick(7)).toEqual([]);
    expect(reading(8, { temp_c: 20 })).toEqual(['clear@8']);
    expect(tick(9)).toEqual([]);
  });

  it('counts from the arrival, whatever the device says the time is', () => {
    const { reading, tick } = timeline(rule);
    reading(-60, { temp_c: 20 }, undefined, 1);
    expect(tick(6)).toEqual([]);
  });

  it('clears at the next tick when anything else is heard', () => {
    const { engine, device, at, reading, tick } = timeline(rule);
    reading(0, { temp_c: 20 });
    expect(tick(6)).toEqual(['raise@6']);
    engine.lastSeen(device, at(7));
    expect(tick(7.5)).toEqual(['clear@7.5']);
  });

  it('watches a device of which only a connection was seen', () => {
    const { engine, device, at, tick } = timeline(rule);
    engine.lastSeen(device, at(0));
    expect(tick(6)).toEqual(['raise@6']);
  });

  it('does not blame devices for the time before the front door opened', () => {
    const { engine, at, reading, tick } = timeline(rule);
    reading(0, { temp_c: 20 });
    engine.opened(at(60));
    expect(tick(60)).toEqual([]);
    expect(tick(65)).toEqual([]);
    expect(tick(66)).toEqual(['raise@66']);
  });

  it('is not cleared by the front door opening: that is no sign of life', () => {
    const { engine, at, reading, tick } = timeline(rule);
    reading(0, { temp_c: 20 });
    expect(tick(6)).toEqual(['raise@6']);
    engine.opened(at(10));
    expect(tick(10)).toEqual([]);
  });

  it('knows the reporting interval of the device', () => {
    const { engine, at, short } = timeline(rule);
    const slow: DeviceRef = { id: 'slow', site: 's1', deviceClass: 'sensor', intervalS: 600 };
    engine.reading(slow, { ts: at(0), m: { temp_c: 20 } }, at(0));
    expect(short(engine.tick(at(30)))).toEqual([]);
    expect(short(engine.tick(at(31)))).toEqual(['raise@31']);
  });

  it('does not miss a device that said it sleeps, until it wakes up', () => {
    const { engine, device, at, reading, tick } = timeline(rule);
    engine.lastSeen(device, at(0), true);
    expect(tick(600)).toEqual([]);
    reading(601, { temp_c: 20 });
    expect(tick(607)).toEqual(['raise@607']);
  });

  it('never clears before it raised, even if the sign of life is from just before the tick', () => {
    const { reading, tick } = timeline(rule);
    reading(0, { temp_c: 20 });
    expect(tick(6)).toEqual(['raise@6']);
    expect(reading(5.99, { temp_c: 20 })).toEqual(['clear@6']);
  });
});

describe('a tick', () => {
  it('gives the transitions of many devices in the order of their ids', () => {
    const { engine, at } = timeline('condition: silence_s > 300');
    for (const id of ['b', 'c', 'a']) engine.lastSeen({ id, site: 's1', deviceClass: 'sensor' }, at(0));
    expect(engine.tick(at(6)).map(({ device }) => device)).toEqual(['a', 'b', 'c']);
  });
});
