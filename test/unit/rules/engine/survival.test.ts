import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../../../devices/device-class.js';
import type { Transition } from '../../../../rules/alarm.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import type { Engine } from '../../../../rules/engine/engine.js';
import { parseRules } from '../../../../rules/parse-rules.js';
import type { Tally } from '../../../../rules/tally.js';
import { EngineCheckpoint } from '../../../support/engine-checkpoint.js';

const minute = 60_000;
const start = Date.parse('2026-03-02T08:00:00+08:00');
const at = (minutes: number) => start + minutes * minute;

/** Rules `r1`, `r2` … */
function rulesOf(...texts: readonly string[]) {
  const shared = 'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test, severity: minor';
  const text = texts.map((rule, i) => `- { id: r${i + 1}, ${shared}, ${rule} }`).join('\n');
  return parseRules([{ name: 'r.yaml', text }]);
}

function device(id: string, deviceClass: DeviceClass = 'sensor', more: Partial<DeviceRef> = {}): DeviceRef {
  return { id, site: 's1', deviceClass, intervalS: 60, ...more };
}

function read(engine: Engine, of: DeviceRef, minutes: number, m: Record<string, number>, late = 0) {
  return engine.reading(of, { ts: at(minutes), m }, at(minutes + late));
}

const idsOf = (transitions: readonly Transition[]) => transitions.map(({ id }) => id);
const kindsOf = (transitions: readonly Transition[]) => transitions.map(({ kind }) => kind);

/** The engine as it is after a kill. */
function restarted(engine: Engine, kept: EngineCheckpoint, rules: ReturnType<typeof rulesOf>): Engine {
  kept.save(engine);
  const after = createEngine(rules);
  kept.restore(after);
  return after;
}

describe('an alarm that is raised again while event time stands still', () => {
  it('by late readings is another one, also after a kill in between', () => {
    const rules = rulesOf('class: sensor, condition: \'mean(co2_ppm, "10m") > 1000\'');
    const d1 = device('d1');
    const kept = new EngineCheckpoint();
    let engine = createEngine(rules);
    const found: string[] = [];
    const hear = (minutes: number, co2_ppm: number, late = 0) => {
      found.push(...idsOf(read(engine, d1, minutes, { co2_ppm }, late)));
      engine = restarted(engine, kept, rules);
    };
    hear(0, 900);
    hear(10, 1200);
    hear(9, 200, 1.5);
    hear(8, 4000, 3);
    hear(11, 300);
    hear(25, 100);
    const first = `r1~d1~${at(10)}`;
    expect(found).toEqual([`${first}~raise`, `${first}~clear`, `${first}-1~raise`, `${first}-1~clear`]);
  });

  it('by events of one millisecond is another one each time, of parts and after an edit of the rule, too', () => {
    const engine = createEngine(rulesOf('class: ap, condition: \'event("radar")\''));
    const d1 = device('d1', 'ap');
    const say = (type: string) => idsOf(engine.event(d1, type, at(1), at(1)));
    const found = ['radar', 'reboot', 'radar', 'reboot', 'radar'].flatMap(say);
    expect(new Set(found).size).toBe(5);
    engine.replaceRules(rulesOf('class: ap, condition: \'event("radar")\', mode: shadow'));
    expect(engine.takeAbandoned()).toMatchObject([{ alarm: `r1~d1~${at(1)}-2` }]);
    expect(say('radar')).toEqual([`r1~d1~${at(1)}-3~raise`]);
    expect(idsOf(engine.event(d1, 'reboot', at(2), at(2)))).toEqual([`r1~d1~${at(1)}-3~clear`]);
    expect(idsOf(engine.event(d1, 'radar', at(3), at(3)))).toEqual([`r1~d1~${at(3)}~raise`]);
  });
});

describe('a group that has lost its last device', () => {
  const rules = rulesOf("class: sensor, group: room, condition: 'members(co2_ppm > 1000) >= 1'");

  it('does not come back with a kill, and its next devices begin anew', () => {
    const kept = new EngineCheckpoint();
    const before = createEngine(rules);
    read(before, device('a', 'sensor', { room: 'R1' }), 0, { co2_ppm: 2000 });
    expect(kindsOf(before.tick(at(1)))).toEqual(['raise']);
    kept.save(before);
    before.forget('a');
    expect(before.takeAbandoned()).toMatchObject([{ reason: 'device_removed' }]);
    const after = restarted(before, kept, rules);
    expect([...kept.kept.keys()].filter((key) => key !== '@engine')).toEqual([]);
    read(after, device('b', 'sensor', { room: 'R1' }), 60, { co2_ppm: 2000 });
    expect(kindsOf(after.tick(at(61)))).toEqual(['raise']);
  });

  it('also when it lost it to another room, and got another one before the checkpoint', () => {
    const kept = new EngineCheckpoint();
    const before = createEngine(rules);
    read(before, device('a', 'sensor', { room: 'R1' }), 0, { co2_ppm: 2000 });
    before.tick(at(1));
    kept.save(before);
    before.describe(device('a', 'sensor', { room: 'R2' }));
    read(before, device('b', 'sensor', { room: 'R1' }), 2, { co2_ppm: 400 });
    before.takeAbandoned();
    const after = restarted(before, kept, rules);
    after.describe(device('a', 'sensor', { room: 'R2' }));
    after.describe(device('b', 'sensor', { room: 'R1' }));
    for (const engine of [before, after])
      expect(idsOf(engine.tick(at(3)))).toEqual([`r1~s1~room-R2~${at(3)}~raise`]);
  });

  it('while nobody was there to see it has its alarm abandoned', () => {
    const kept = new EngineCheckpoint();
    const before = createEngine(rules);
    read(before, device('a', 'sensor', { room: 'R1' }), 0, { co2_ppm: 2000 });
    before.tick(at(1));
    const after = restarted(before, kept, rules);
    after.describe(device('a', 'sensor', { room: 'R2' }));
    after.tick(at(2));
    expect(after.takeAbandoned()).toEqual([
      { alarm: `r1~s1~room-R1~${at(1)}`, reason: 'device_removed', shadow: false },
    ]);
  });
});

describe('a rule about groups that is edited', () => {
  it('waits until all are counted by its new condition before it judges, also after a kill', () => {
    const rule = (limit: number) =>
      rulesOf(`class: sensor, group: site, condition: 'members(co2_ppm > ${limit}) >= 2'`);
    const [before, after] = [rule(1500), rule(1400)];
    const kept = new EngineCheckpoint();
    let engine = createEngine(before);
    const devices = ['a', 'b', 'c'].map((id) => device(id));
    const found: Transition[] = [];
    const minuteOf = (minutes: number, co2_ppm: number) => {
      for (const each of devices) read(engine, each, minutes, { co2_ppm });
      for (const seconds of [10, 20]) found.push(...engine.tick(at(minutes + seconds / 60)));
    };
    minuteOf(0, 2000);
    engine.replaceRules(after);
    engine.tick(at(0.5));
    engine = restarted(engine, kept, after);
    for (const each of devices) engine.describe(each);
    found.push(...engine.tick(at(0.6)));
    for (let minutes = 1; minutes < 6; minutes++) minuteOf(minutes, 2000);
    expect(kindsOf(found)).toEqual(['raise']);
    for (let minutes = 6; minutes < 10; minutes++) minuteOf(minutes, 1000);
    expect(kindsOf(found)).toEqual(['raise', 'clear']);
  });
});

describe('a district of which one shard tells nothing', () => {
  const rules = rulesOf("class: ap, group: district, condition: 'member_share(clients == 0) >= 0.5'");
  const text = 'clients == 0';
  const group = (size: number, count: number) => ({
    deviceClass: 'ap' as const,
    kind: 'district' as const,
    id: 'chancheng',
    size,
    counts: count === 0 ? {} : { [text]: count },
  });
  const tally = (moment: number, size: number, count: number, more: Partial<Tally> = {}): Tally => ({
    at: start + 10_000 * moment,
    groups: [group(size, count)],
    conditions: { ap: [text] },
    ...more,
  });
  /** Tells what shards have at a moment, each its size and count, and lets that much time pass. */
  function city() {
    const kept = new EngineCheckpoint();
    let engine = createEngine(rules);
    return (moment: number, told: readonly (readonly [shard: number, tally: Tally])[]) => {
      const found = [...engine.tick(start + 10_000 * moment)];
      for (const [shard, each] of told) found.push(...engine.tally(shard, 3, each));
      engine = restarted(engine, kept, rules);
      return kindsOf(found);
    };
  }

  it('is judged without it after some time, and has its alarm neither ended nor raised anew by that', () => {
    const tell = city();
    const found: string[] = [];
    for (let moment = 0; moment < 3; moment++)
      found.push(
        ...tell(
          moment,
          [0, 1, 2].map((shard) => [shard, tally(moment, 10, 2)] as const),
        ),
      );
    expect(found).toEqual([]);
    // What the others have is enough.
    for (let moment = 3; moment < 30; moment++)
      found.push(
        ...tell(
          moment,
          [0, 1].map((shard) => [shard, tally(moment, 10, 8)] as const),
        ),
      );
    expect(found).toEqual(['raise']);
    for (let moment = 30; moment < 60; moment++)
      found.push(
        ...tell(
          moment,
          [0, 1].map((shard) => [shard, tally(moment, 10, 1)] as const),
        ),
      );
    // It may be the third that has them.
    expect(found).toEqual(['raise']);
    for (let moment = 60; moment < 63; moment++)
      found.push(
        ...tell(
          moment,
          [0, 1, 2].map((shard) => [shard, tally(moment, 10, 1)] as const),
        ),
      );
    expect(found).toEqual(['raise', 'clear']);
  });

  it('is not judged by what a shard counts by other rules, nor by what a replaced owner tells', () => {
    const tell = city();
    const all = (moment: number, count: number, more?: Partial<Tally>) =>
      tell(
        moment,
        [0, 1, 2].map((shard) => [shard, tally(moment, 10, count, more)] as const),
      );
    expect(all(0, 9, { owner: 2 })).toEqual(['raise']);
    expect(all(1, 0, { owner: 2, conditions: { ap: ['clients < 1'] } })).toEqual([]);
    expect(all(2, 0, { owner: 1 })).toEqual([]);
    expect(all(3, 0, { owner: 2 })).toEqual(['clear']);
  });
});

describe('a device that is another class now', () => {
  it('has forgotten after a kill, too, what it remembered of days as the other', () => {
    const rules = rulesOf("class: [ap, gateway], condition: 'mem_pct > 1.5 * yesterday(mem_pct)'");
    const kept = new EngineCheckpoint();
    const before = createEngine(rules);
    for (let hour = 0; hour < 26; hour++) read(before, device('x', 'gateway'), 60 * hour, { mem_pct: 10 });
    kept.save(before);
    read(before, device('x', 'ap'), 60 * 27, { mem_pct: 60 });
    const after = restarted(before, kept, rules);
    for (const engine of [before, after])
      expect(read(engine, device('x', 'ap'), 60 * 28, { mem_pct: 60 })).toEqual([]);
  });
});
