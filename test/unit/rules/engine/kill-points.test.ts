import { describe, expect, it } from 'vitest';
import { deviceClasses } from '../../../../devices/device-class.js';
import type { SchoolPhase } from '../../../../devices/timetable.js';
import type { Transition } from '../../../../rules/alarm.js';
import { emptyCalendar } from '../../../../rules/calendar.js';
import type { Calendar } from '../../../../rules/calendar.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import type { Engine } from '../../../../rules/engine/engine.js';
import { parseRules } from '../../../../rules/parse-rules.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';
import { EngineCheckpoint } from '../../../support/engine-checkpoint.js';

const minute = 60_000;
const start = Date.parse('2026-03-02T07:30:00+08:00');

/** Rules that use everything that is remembered. */
const conditions: readonly [id: string, deviceClass: string, rest: string][] = [
  [
    'co2',
    'sensor',
    `steps: [{ severity: warning, condition: 'mean(co2_ppm, "5m") > 1000', for: 3m, clear: 'mean(co2_ppm, "5m") < 900', clearFor: 2m }, { severity: major, condition: 'mean(co2_ppm, "2m") > 1500', clear: 'mean(co2_ppm, "2m") < 1300' }]`,
  ],
  ['hourly', 'sensor', `severity: minor, condition: 'mean(co2_ppm, "30m", "tumbling") > 950'`],
  ['jump', 'sensor', `severity: minor, condition: 'math.abs(step(temp_c)) > 4 && previous(temp_c) > 20'`],
  ['old', 'sensor', `severity: minor, condition: 'age_s(temp_c) > 240'`],
  [
    'stuck',
    'sensor',
    `severity: minor, condition: 'stddev(temp_c, "20m") < 0.5 || changes(temp_c, "10m") > 8'`,
  ],
  [
    'shift',
    'sensor',
    `severity: minor, condition: 'level_shift(co2_ppm, "10m") > 2 || cusum(co2_ppm, "10m") > 5 || ewma_z(co2_ppm, "10m") > 4'`,
  ],
  [
    'quantile',
    'sensor',
    `severity: minor, condition: 'quantile(co2_ppm, 0.9, "15m") > 1400 && share(temp_c > 22, "15m") > 0.5'`,
  ],
  ['daily', 'gateway', `severity: minor, condition: rx_mbps > 1.5 * yesterday(rx_mbps)`],
  ['usual', 'gateway', `severity: minor, condition: 'robust_z(rx_mbps, "30m") > 3 || unusual(rx_mbps)'`],
  ['uplink', 'gateway', `severity: major, condition: loss_pct > 20, for: 2m, clear: loss_pct < 5`],
  ['radar', 'ap', `severity: minor, condition: 'events("radar", "1h") >= 3'`],
  ['each-radar', 'ap', `severity: minor, condition: event("radar")`],
  ['dfs', 'ap', `severity: minor, condition: 'then(event("radar"), clients == 0, "5m")'`],
  ['reboot', 'ap', `severity: minor, condition: 'not_then(event("reboot"), clients > 4, "4m")'`],
  ['idle', 'ap', `severity: minor, condition: seconds_since(clients > 15) > 600`],
  ['busy', 'ap', `severity: minor, condition: 'mean(chan_util_pct, "5m") > 60', for: 2m`],
  ['unlike', 'ap', `severity: minor, condition: 'clients > 1.8 * peer_median(clients, "site")'`],
  ['silent', 'ap', `severity: minor, condition: silence_s > 180`],
  [
    'many-silent',
    'ap',
    `group: site, severity: major, condition: member_share(silence_s > 180) >= 0.3, for: 1m`,
  ],
  [
    'many-busy',
    'ap',
    `group: floor, severity: major, condition: 'members(active("busy")) >= 2 || members(clients > 17) >= 2'`,
  ],
  [
    'room-warm',
    'sensor',
    `group: room, severity: major, condition: 'members(mean(temp_c, "5m") > 22) >= 1', for: 2m, clear: 'members(mean(temp_c, "5m") > 20) == 0', clearFor: 3m`,
  ],
  [
    'behind-one',
    'ap',
    `group: parent, severity: major, condition: 'members(clients > 12) >= 2 || members(events("radar", "30m") >= 1) >= 2'`,
  ],
  [
    'city-silent',
    'ap',
    `group: district, severity: major, condition: 'member_share(silence_s > 180) >= 0.3', for: 1m`,
  ],
  ['city-hot', 'sensor', `group: district, severity: major, condition: 'members(temp_c > 24) >= 3'`],
  ['fell-back', 'sensor', `severity: minor, condition: 'not_then(co2_ppm > 1500, co2_ppm < 800, "10m")'`],
  ['unseen', '[sensor, ap, whiteboard, gateway]', `severity: minor, condition: 'silence_s > 400'`],
  [
    'on',
    'whiteboard',
    `severity: minor, condition: 'power == "on" && phase != "lesson" && last(soc_temp_c) > 60', for: 2m`,
  ],
  ['hot', 'whiteboard', `severity: minor, condition: 'soc_temp_c > 80 && !active("on")', for: 1m`],
];
const texts = 'title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test';
const rules = parseRules([
  {
    name: 'rules.yaml',
    text: conditions.map(([id, c, rest]) => `- { id: ${id}, class: ${c}, ${texts}, ${rest} }`).join('\n'),
  },
]);

const phases: readonly SchoolPhase[] = ['lesson', 'break', 'after_school'];
const calendar: Calendar = {
  ...emptyCalendar,
  phaseAt: (_, at) => phases[Math.floor(at / (20 * minute)) % 3],
};

interface Step {
  /** The device that it is about, as it is registered then. */
  readonly ref?: DeviceRef;
  /** The device that is removed. */
  readonly removed?: string;
  readonly run: (engine: Engine) => readonly Transition[];
}
const nothing: readonly Transition[] = [];

/** Hours of a campus whose devices wander, fail, fall silent, come late, restart, move, become others, and go. */
function randomHistory(seed: number, devices: number, rounds: number, everyMinutes: number): Step[] {
  // Who is about weeks is to be left alone for as long.
  const isLively = everyMinutes === 1;
  const random = seededRandom(seed);
  const levels = Array.from({ length: devices }, () => random());
  const refs = levels.map((_, i): DeviceRef => {
    const deviceClass = deviceClasses[i % 4] ?? 'sensor';
    return { id: `d${i}`, site: 's1', deviceClass, intervalS: 60, ...placeOf(i, i) };
  });
  const steps: Step[] = [{ run: (engine) => (engine.opened(start), nothing) }];
  for (let m = 0; m < rounds; m++) {
    const at = start + m * everyMinutes * minute;
    levels.forEach((level, i) => {
      const next = Math.min(1, Math.max(0, level + (random() - 0.5) / 3));
      levels[i] = next;
      if (isLively && random() < 0.01)
        refs[i] = {
          ...(refs[i] as DeviceRef),
          ...placeOf(Math.floor(24 * random()), Math.floor(2 * random())),
        };
      if (isLively && random() < 0.002)
        refs[i] = { ...(refs[i] as DeviceRef), deviceClass: deviceClasses[Math.floor(4 * random())] ?? 'ap' };
      if (isLively && random() < 0.002) {
        const removed = `d${i}`;
        steps.push({ removed, run: (engine) => (engine.forget(removed), nothing) });
        return;
      }
      const ref = refs[i] as DeviceRef;
      const isSilent = Math.floor(m / 15) % 6 === i % 6;
      if (isSilent || random() < 0.1) return;
      const ts = random() < 0.1 ? at - 240_000 : at + i;
      const noisy = () => next + (random() - 0.5) / 10;
      const reading = {
        ts,
        m: {
          ...(random() < 0.8 ? { co2_ppm: Math.round(400 + 1500 * noisy()) } : {}),
          ...(random() < 0.6 ? { temp_c: Math.round(15 + 15 * noisy()) } : {}),
          clients: Math.round(20 * next),
          rx_mbps: Math.round(1000 * noisy()),
          loss_pct: Math.max(0, 60 * next - 30),
          power: next > 0.3 ? 'on' : 'standby',
          soc_temp_c: Math.round(40 + 60 * next),
        },
        parts: { radio2: { chan_util_pct: 100 * next }, radio5: { chan_util_pct: 100 - 100 * next } },
      };
      steps.push({ ref, run: (engine) => engine.reading(ref, reading, at + i) });
      if (random() < 0.06) {
        const type = random() < 0.5 ? 'radar' : 'reboot';
        const when = random() < 0.3 ? at - 200_000 : at + i + 5;
        // Some more than once a millisecond, so that event time stands still while an alarm comes and goes.
        for (const each of random() < 0.2 ? [type, 'tamper', type] : [type])
          steps.push({ ref, run: (engine) => engine.event(ref, each, when, at + i + 6) });
      }
      if (random() < 0.02) {
        const asleep = random() < 0.5;
        steps.push({ ref, run: (engine) => (engine.lastSeen(ref, at + 500, asleep), nothing) });
      }
    });
    steps.push({ run: (engine) => tickAlone(engine, at + 1000) });
    if (m % 90 === 45) steps.push({ run: (engine) => (engine.opened(at + 2000), nothing) });
  }
  return steps;
}

function placeOf(place: number, district: number): Partial<DeviceRef> {
  const [floor, room, parentId] = [1 + (place % 3), `r${place % 8}`, `p${place % 3}`];
  return { floor, room, parentId, district: `district-${district % 2}` };
}

/** As where there is one shard: it tells itself what it has of what reaches over several. */
function tickAlone(engine: Engine, at: number): readonly Transition[] {
  const found = engine.tick(at);
  const tally = engine.takeTally();
  return tally === undefined ? found : [...found, ...engine.tally(0, 1, tally)];
}

/** Rules that are about days and weeks, and rules that are about minutes. */
const slowRules = ['daily', 'usual'];
const histories = [
  { name: 'ten hours of 24 devices', devices: 24, rounds: 600, everyMinutes: 1, seed: 1 },
  { name: 'ten other hours', devices: 24, rounds: 600, everyMinutes: 1, seed: 3 },
  { name: 'five weeks of four devices', devices: 4, rounds: 2520, everyMinutes: 20, seed: 1 },
];

describe('an engine that is killed', () => {
  it.each(histories)(
    'at any of 80 points of $name goes on from its last checkpoint as if nothing had happened',
    ({ devices, rounds, everyMinutes, seed }) => {
      const steps = randomHistory(seed, devices, rounds, everyMinutes);
      const undisturbed = createEngine(rules, calendar);
      const expected = steps.map(({ run }) => JSON.stringify(run(undisturbed)));
      const transitions = expected.flatMap((json) => JSON.parse(json) as Transition[]);
      // Whoever acts on a transition goes by its id, also where event time stood still.
      expect(new Set(transitions.map(({ id }) => id)).size).toBe(transitions.length);
      const raised = new Set(transitions.map(({ rule }) => rule));
      // Nothing is proven of rules that never do anything.
      for (const { id } of rules)
        if (slowRules.includes(id) === everyMinutes > 1) expect([id, raised.has(id)]).toEqual([id, true]);

      const random = seededRandom(seed + 100);
      const kept = new EngineCheckpoint();
      const refs = new Map<string, DeviceRef>();
      const before = createEngine(rules, calendar);
      const kills = 80;
      let done = 0;
      for (let kill = 0; kill < kills; kill++) {
        const checkpoint = Math.min(
          done + 1 + Math.floor((2 * random() * steps.length) / kills),
          steps.length,
        );
        for (; done < checkpoint; done++) {
          const step = steps[done];
          if (step?.ref !== undefined) refs.set(step.ref.id, step.ref);
          if (step?.removed !== undefined) refs.delete(step.removed);
          step?.run(before);
        }
        kept.save(before);

        const after = createEngine(rules, calendar);
        kept.restore(after, random);
        expect(after.takeAbandoned()).toEqual([]);
        for (const ref of refs.values()) after.describe(ref);
        const next = steps.slice(done, done + 250);
        expect(next.map(({ run }) => JSON.stringify(run(after)))).toEqual(expected.slice(done, done + 250));
      }
    },
  );
});
