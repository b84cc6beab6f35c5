import { describe, expect, it } from 'vitest';
import { at, play } from '../../../support/rule-play.js';

describe('a metric by its bare name', () => {
  it('is what was last reported, so that metrics in messages of their own meet', () => {
    const { reading } = play("condition: 'temp_c > 28 && occupied == 1'");
    expect(reading(0, { temp_c: 30 })).toEqual([]);
    expect(reading(0.1, { occupied: 1 })).toEqual(['raise@0.1']);
    expect(reading(1, { temp_c: 25 })).toEqual(['clear@1']);
  });

  it('is known for ten intervals, and at least for an hour', () => {
    const { reading } = play("condition: 'temp_c > 28 && occupied == 1'");
    expect(reading(0, { temp_c: 30 })).toEqual([]);
    expect(reading(61, { occupied: 1 })).toEqual([]);
    const hourly = play("condition: 'temp_c > 28 && occupied == 1'", { device: { intervalS: 3600 } });
    hourly.reading(0, { temp_c: 30 });
    expect(hourly.reading(61, { occupied: 1 })).toEqual(['raise@61']);
  });
});

describe('a hold time', () => {
  it('runs on without readings, by what is last known', () => {
    const { reading, tick } = play("condition: 'link_up == 0', for: 2m", { class: 'gateway' });
    expect(reading(0, { link_up: 0 })).toEqual([]);
    expect(tick(1)).toEqual([]);
    expect(tick(2)).toEqual(['raise@2']);
  });

  it('is not cut short by the pauses of a device that reports once an hour', () => {
    const { reading } = play("condition: 'temp_c > 35', for: 2h", { device: { intervalS: 3600 } });
    expect(reading(0, { temp_c: 40 })).toEqual([]);
    expect(reading(60, { temp_c: 40 })).toEqual([]);
    expect(reading(120, { temp_c: 40 })).toEqual(['raise@120']);
  });

  it('of the clear condition runs on, too', () => {
    const { reading, tick } = play("condition: 'temp_c > 35', clear: 'temp_c < 30', clearFor: 5m");
    expect(reading(0, { temp_c: 40 })).toEqual(['raise@0']);
    expect(reading(1, { temp_c: 29 })).toEqual([]);
    expect(tick(5)).toEqual([]);
    expect(tick(6)).toEqual(['clear@6']);
  });
});

describe('an alarm', () => {
  it('about events ends with their time, though nothing else is reported', () => {
    const { event, tick } = play('condition: \'events("smoke", "30m") >= 1\'');
    expect(event(0, 'smoke')).toEqual(['raise@0']);
    expect(tick(29)).toEqual([]);
    expect(tick(32)).toEqual(['clear@32']);
  });

  it('ends without data when the device goes on reporting, but not what the alarm looks at', () => {
    const { engine, device, reading, tick } = play('condition: \'mean(co2_ppm, "5m") > 1000\'');
    expect(reading(0, { co2_ppm: 2000, temp_c: 20 })).toEqual(['raise@0']);
    for (let m = 1; m <= 60; m++) expect([...reading(m, { temp_c: 20 }), ...tick(m)]).toEqual([]);
    const found = Array.from({ length: 9 }, (_, i) => 61 + i).flatMap((m) => [
      ...engine.reading(device('d1'), { ts: at(m), m: { temp_c: 20 } }, at(m)),
      ...engine.tick(at(m)),
    ]);
    expect(found).toMatchObject([{ kind: 'clear', reason: 'no_data' }]);
    // And is raised again as soon as it is reported again.
    expect(reading(70, { co2_ppm: 2000 })).toEqual(['raise@70']);
  });

  it('stays while the device says nothing at all: nobody knows whether the fault is gone', () => {
    const { reading, tick } = play("condition: 'temp_c > 35'");
    expect(reading(0, { temp_c: 40 })).toEqual(['raise@0']);
    for (let m = 10; m <= 3000; m += 10) expect(tick(m)).toEqual([]);
  });
});

describe('a group', () => {
  const many = "group: room, condition: 'members(temp_c > 28) >= 2'";

  it('does not count devices that report no more', () => {
    const { reading, tick } = play(many, { device: { room: 'r1' } });
    reading(0, { temp_c: 30 }, 'd1');
    expect(tick(5)).toEqual([]);
    for (let m = 10; m < 300; m += 10) {
      reading(m, { temp_c: m > 100 ? 30 : 20 }, 'd2');
      expect(tick(m)).toEqual([]);
    }
  });

  it('goes on counting devices that report seldom', () => {
    const { reading, tick } = play(many, { device: { room: 'r1', intervalS: 3600 } });
    reading(0, { temp_c: 30 }, 'd1');
    reading(40, { temp_c: 30 }, 'd2');
    expect(tick(41)).toEqual(['raise@41']);
    expect(tick(59)).toEqual([]);
  });

  it('counts a device by any of its parts', () => {
    const rule = 'group: room, condition: \'members(mean(chan_util_pct, "5m") > 60) >= 2\'';
    const { parts, tick } = play(rule, { class: 'ap', device: { room: 'r1' } });
    parts(0, { radio2: { chan_util_pct: 10 }, radio5: { chan_util_pct: 70 } }, {}, 'd1');
    expect(tick(0.5)).toEqual([]);
    parts(1, { radio2: { chan_util_pct: 80 }, radio5: { chan_util_pct: 20 } }, {}, 'd2');
    expect(tick(1)).toEqual(['raise@1']);
    parts(6, { radio2: { chan_util_pct: 10 }, radio5: { chan_util_pct: 20 } }, {}, 'd2');
    expect(tick(7)).toEqual(['clear@7']);
  });

  it('compares a device that only its parts report for with the others', () => {
    const rule = 'condition: \'chan_util_pct > 2 * peer_median(chan_util_pct, "room")\'';
    const { parts, tick } = play(rule, { class: 'ap', device: { room: 'r1' } });
    for (const id of ['d1', 'd2', 'd3', 'd4']) parts(0, { radio5: { chan_util_pct: 20 } }, {}, id);
    tick(1);
    expect(parts(2, { radio5: { chan_util_pct: 50 } }, {}, 'd1')).toEqual(['raise@2']);
  });
});

describe('a part that is reported no more', () => {
  it('is missed by its device', () => {
    const { parts } = play("condition: 'age_s(chan_util_pct) > 600'", { class: 'ap' });
    for (let m = 0; m < 10; m++)
      expect(parts(m, { radio5: { chan_util_pct: 20 }, radio2: { chan_util_pct: 20 } })).toEqual([]);
    const found: string[] = [];
    for (let m = 10; m < 25; m++) found.push(...parts(m, { radio5: { chan_util_pct: 20 } }));
    expect(found).toEqual(['raise@20']);
  });
});
