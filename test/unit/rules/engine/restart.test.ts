import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceClasses } from '../../../../devices/device-class.js';
import type { Reading } from '../../../../devices/telemetry.js';
import type { Transition } from '../../../../rules/alarm.js';
import type { DeviceRef } from '../../../../rules/device-ref.js';
import { createEngine } from '../../../../rules/engine/engine.js';
import type { Engine } from '../../../../rules/engine/engine.js';
import { loadRules } from '../../../../rules/load-rules.js';
import { parseRules } from '../../../../rules/parse-rules.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';
import { EngineCheckpoint } from '../../../support/engine-checkpoint.js';

type Step = (engine: Engine) => readonly Transition[];

const nothing: readonly Transition[] = [];
const start = Date.parse('2026-03-02T08:00:00+08:00');

/** Hours of a small campus whose devices go up and down, fall silent, report late and restart. */
function randomHistory(seed: number): Step[] {
  const random = seededRandom(seed);
  const levels = Array.from({ length: 12 }, () => random());
  const steps: Step[] = [(engine) => (engine.opened(start), nothing)];
  for (let minute = 0; minute < 240; minute++) {
    const at = start + minute * 60_000;
    levels.forEach((level, i) => {
      levels[i] = Math.min(1, Math.max(0, level + (random() - 0.5) / 5));
      const deviceClass = deviceClasses[i % 4] ?? 'sensor';
      const device: DeviceRef = { id: `d${i}`, site: 's1', deviceClass };
      const silent = Math.floor(minute / 20) % 5 === i % 5;
      if (silent || random() < 0.1) return;
      const ts = random() < 0.1 ? at - 300_000 : at + i;
      const reading: Reading = { ts, ...metricsAt(levels[i] ?? 0) };
      steps.push((engine) => engine.reading(device, reading, at + i));
      if (random() < 0.02)
        steps.push((engine) => (engine.lastSeen(device, at + 500, random() < 0.5), nothing));
    });
    steps.push((engine) => engine.tick(at + 1000));
    if (minute === 100) steps.push((engine) => (engine.opened(at + 2000), nothing));
  }
  return steps;
}

function metricsAt(level: number): Pick<Reading, 'm' | 'parts'> {
  return {
    m: {
      co2_ppm: 300 + 1700 * level,
      temp_c: 20 + 12 * level,
      occupied: level > 0.2 ? 1 : 0,
      soc_temp_c: 60 + 50 * level,
      disk_pct: 80 + 20 * level,
      clients: 20,
      clients_ipv6: Math.round(20 * level),
      cpu_pct: 70 + 30 * level,
      dns_fail_pct: 10 * level,
    },
    parts: { radio2: { chan_util_pct: 100 * level }, radio5: { chan_util_pct: 100 * (1 - level) } },
  };
}

describe('an engine that is restored from a checkpoint', () => {
  const shipped = loadRules(join(import.meta.dirname, '../../../../rules/catalogue'));

  it.each([1, 2, 3])(
    'goes on byte for byte as if nothing had happened, wherever it was cut (history %i)',
    async (seed) => {
      const rules = await shipped;
      const undisturbed = createEngine(rules);
      const expected = randomHistory(seed).map((step) => JSON.stringify(step(undisturbed)));
      expect(expected.filter((transitions) => transitions !== '[]').length).toBeGreaterThan(20);

      const random = seededRandom(seed + 100);
      for (let trial = 0; trial < 30; trial++) {
        const steps = randomHistory(seed);
        const cut = Math.floor(random() * steps.length);
        const every = 1 + Math.floor(random() * 300);
        const checkpoint = new EngineCheckpoint();
        const before = createEngine(rules);
        for (let i = 0; i < cut; i++) {
          steps[i]?.(before);
          if (i % every === 0) checkpoint.save(before);
        }
        checkpoint.save(before);

        const after = createEngine(rules);
        checkpoint.restore(after, random);
        const actual = steps.slice(cut).map((step) => JSON.stringify(step(after)));
        expect(actual).toEqual(expected.slice(cut));
      }
    },
  );

  it('gives out only what changed since the last time', async () => {
    const engine = createEngine(await shipped);
    const device = (id: string): DeviceRef => ({ id, site: 's1', deviceClass: 'sensor' });
    engine.opened(start);
    engine.lastSeen(device('a'), start);
    engine.lastSeen(device('b'), start);
    // What neighbours are compared by is computed once a minute.
    engine.tick(start + 500);
    expect([...engine.takeChanges().keys()]).toEqual(['@engine', 'a', 'b']);
    engine.lastSeen(device('b'), start + 1000);
    engine.tick(start + 2000);
    expect([...engine.takeChanges().keys()]).toEqual(['b']);
    expect(engine.takeChanges().size).toBe(0);
  });

  it('gives out that a hold time ended at a tick', () => {
    const text =
      '- { id: r, title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: t, class: sensor, severity: minor, ' +
      'condition: silence_s > 60, for: 1m }';
    const engine = createEngine(parseRules([{ name: 'r.yaml', text }]));
    engine.lastSeen({ id: 'd1', site: 's1', deviceClass: 'sensor' }, start);
    engine.tick(start + 61_000);
    engine.takeChanges();
    expect(engine.tick(start + 121_000)).toMatchObject([{ kind: 'raise' }]);
    expect([...engine.takeChanges().keys()]).toEqual(['d1']);
  });

  it('forgets the alarms and windows of rules that are no more', async () => {
    const engine = createEngine(await shipped);
    const device: DeviceRef = { id: 'd1', site: 's1', deviceClass: 'sensor' };
    engine.reading(device, { ts: start, m: { co2_ppm: 2000 } }, start);
    const [json = ''] = engine.takeChanges().values();
    expect(json).toContain('co2');

    const without = createEngine([]);
    without.restore('d1', json);
    without.lastSeen(device, start + 1000);
    expect([...without.takeChanges().values()].join()).not.toContain('co2');
  });
});
