import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../../devices/device-class.js';
import type { Reading } from '../../../devices/telemetry.js';
import { createEngine } from '../../../rules/engine/engine.js';
import { loadRules } from '../../../rules/load-rules.js';

const rules = await loadRules(join(import.meta.dirname, '../../../rules/catalogue'));
const start = Date.parse('2026-03-02T08:00:00+08:00');

type Metrics = Pick<Reading, 'm' | 'parts'>;

/** The rules that have an active alarm after four hours of the same reading each minute. */
function activeAfter(deviceClass: DeviceClass, metrics: Partial<Metrics>): string[] {
  const engine = createEngine(rules);
  const device = { id: 'd1', site: 's1', deviceClass };
  const active = new Set<string>();
  for (let minute = 0; minute < 240; minute++) {
    const at = start + minute * 60_000;
    for (const { kind, rule } of engine.reading(device, { ts: at, m: {}, ...metrics }, at)) {
      if (kind === 'raise') active.add(rule);
      else active.delete(rule);
    }
  }
  return [...active];
}

// What a device reports when the rule must fire, and when it must not although it is close.
const cases: readonly [
  rule: string,
  deviceClass: DeviceClass,
  bad: Partial<Metrics>,
  fine: Partial<Metrics>,
][] = [
  ['co2-high', 'sensor', { m: { co2_ppm: 1040 } }, { m: { co2_ppm: 990 } }],
  ['co2-too-high', 'sensor', { m: { co2_ppm: 1530 } }, { m: { co2_ppm: 1480 } }],
  ['co2-sensor-drift', 'sensor', { m: { co2_ppm: 320 } }, { m: { co2_ppm: 410 } }],
  ['classroom-hot', 'sensor', { m: { temp_c: 29, occupied: 1 } }, { m: { temp_c: 29, occupied: 0 } }],
  ['whiteboard-warm', 'whiteboard', { m: { soc_temp_c: 88 } }, { m: { soc_temp_c: 84 } }],
  ['whiteboard-overheated', 'whiteboard', { m: { soc_temp_c: 99 } }, { m: { soc_temp_c: 94 } }],
  ['whiteboard-disk-full', 'whiteboard', { m: { disk_pct: 93 } }, { m: { disk_pct: 88 } }],
  [
    'ap-channel-busy',
    'ap',
    { m: {}, parts: { radio5: { chan_util_pct: 82 } } },
    { m: {}, parts: { radio5: { chan_util_pct: 66 } } },
  ],
  ['ap-cpu-busy', 'ap', { m: { cpu_pct: 96 } }, { m: { cpu_pct: 86 } }],
  [
    'ap-ipv6-share-low',
    'ap',
    { m: { clients: 30, clients_ipv6: 12 } },
    { m: { clients: 6, clients_ipv6: 0 } },
  ],
  ['dns-failing', 'ap', { m: { dns_fail_pct: 9 } }, { m: { dns_fail_pct: 4 } }],
  ['dns-failing', 'gateway', { m: { dns_fail_pct: 9 } }, { m: { dns_fail_pct: 4 } }],
];
const silent: readonly [rule: string, deviceClass: DeviceClass][] = [
  ['sensor-silent', 'sensor'],
  ['whiteboard-silent', 'whiteboard'],
  ['ap-silent', 'ap'],
  ['gateway-silent', 'gateway'],
];

describe('the shipped rule', () => {
  it.each(cases)(
    '%s fires for a %s that is bad, and not for one that is fine',
    (rule, deviceClass, bad, fine) => {
      expect(activeAfter(deviceClass, bad)).toContain(rule);
      expect(activeAfter(deviceClass, fine)).not.toContain(rule);
    },
  );

  it.each(silent)(
    '%s fires for a %s that is silent, and not for one that reports each minute',
    (rule, deviceClass) => {
      const engine = createEngine(rules);
      const device = { id: 'd1', site: 's1', deviceClass };
      expect(activeAfter(deviceClass, { m: {} })).not.toContain(rule);
      engine.lastSeen(device, start);
      expect(engine.tick(start + 299_000)).toEqual([]);
      expect(engine.tick(start + 301_000)).toMatchObject([{ kind: 'raise', rule }]);
    },
  );
});

describe('the catalogue', () => {
  it('has a test for each of its rules', () => {
    const tested = new Set([...cases, ...silent].map(([rule]) => rule));
    expect(rules.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.id, rule] as const))(
    'says what to do in both languages: %s',
    (_, rule) => {
      for (const { zh, en } of [rule.title, rule.advice]) {
        expect(zh).toMatch(/\p{Script=Han}/u);
        expect(en).not.toMatch(/\p{Script=Han}/u);
      }
    },
  );

  it('names a standard only where it says how sure that is', () => {
    for (const { id, source } of rules.filter((rule) => /GB/.test(rule.source))) {
      expect([id, source]).toEqual([id, expect.stringMatching(/read in the standard's text|known from/)]);
    }
  });
});
