import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isWorse } from '../../../../rules/alarm.js';
import { loadRules } from '../../../../rules/load-rules.js';
import { airCases } from './cases/air.js';
import { comfortCases } from './cases/comfort.js';
import { deviceDataCases } from './cases/device-data.js';
import { deviceHealthCases } from './cases/device-health.js';
import { safetyCases } from './cases/safety.js';
import { sensorHealthCases } from './cases/sensor-health.js';
import { silenceCases } from './cases/silence.js';
import { uplinkCases } from './cases/uplink.js';
import { whiteboardCases } from './cases/whiteboard.js';
import { wifiAccessCases } from './cases/wifi-access.js';
import { wifiRadioCases } from './cases/wifi-radio.js';
import type { CatalogueCase } from './catalogue-case.js';
import { play } from './story.js';

const rules = await loadRules(join(import.meta.dirname, '../../../../rules/catalogue'));

const cases: readonly CatalogueCase[] = [
  ...airCases,
  ...comfortCases,
  ...sensorHealthCases,
  ...safetyCases,
  ...silenceCases,
  ...whiteboardCases,
  ...wifiRadioCases,
  ...wifiAccessCases,
  ...deviceHealthCases,
  ...deviceDataCases,
  ...uplinkCases,
];

/** All shipped rules are at work, so that a fault that raises others, too, shows. */
describe('the shipped rule', () => {
  it.each(cases.map((each) => [each.rule, each.severity ?? 'an alarm', each] as const))(
    '%s is raised as %s by its fault, alone, and not by what is close to it',
    (_, __, { rule, severity, bad, close, also = [] }) => {
      const raised = play(rules, bad);
      expect([...raised.keys()].filter((id) => !also.includes(id))).toEqual([rule]);
      if (severity !== undefined) expect(raised.get(rule)).toBe(severity);
      for (const story of close) {
        const found = play(rules, story);
        const milder = severity !== undefined && isWorse(severity, found.get(rule) ?? severity);
        const expected = [...also, ...(milder ? [rule] : [])];
        expect([...found.keys()].filter((id) => !expected.includes(id))).toEqual([]);
      }
    },
  );
});

describe('the catalogue', () => {
  it('has a case for each of its rules, and for each severity of those that have several', () => {
    const tested = new Set(cases.flatMap(({ rule, severity = '' }) => [rule, `${rule} ${severity}`]));
    const wanted = rules.flatMap(({ id, steps }) =>
      steps.length === 1 ? [id] : steps.map(({ severity }) => `${id} ${severity}`),
    );
    expect(wanted.filter((each) => !tested.has(each))).toEqual([]);
  });

  it.each(rules.map((rule) => [rule.id, rule] as const))(
    'says what is wrong, why and what to do in both languages: %s',
    (_, { title, explanation, advice }) => {
      for (const text of [title, explanation, advice]) {
        expect(text?.zh).toMatch(/\p{Script=Han}/u);
        expect(text?.en).toMatch(/[a-z]/);
        expect(text?.en).not.toMatch(/\p{Script=Han}/u);
      }
    },
  );

  it('names a standard only where it says how sure that is, and gives a design value for the rest', () => {
    for (const { id, source } of rules) {
      const wanted = /GB|WHO|RFC/.test(source)
        ? /read in (the standard's|its) text|known from|is a design value/
        : /[Dd]esign value|OpenWISP's default|OpenWiFi uCentral/;
      expect([id, source]).toEqual([id, expect.stringMatching(wanted)]);
    }
  });

  it('alarms with few high priorities and many low ones', () => {
    const worst = rules.map(({ steps }) => steps.at(-1)?.severity ?? 'warning');
    const share = (severity: string) => worst.filter((each) => each === severity).length / worst.length;
    expect(share('critical')).toBeLessThanOrEqual(0.05);
    expect(share('major')).toBeLessThanOrEqual(0.15);
  });

  it('waits, counts over a time or looks at events, so that no single reading alarms', () => {
    const hasty = rules.filter(({ steps }) =>
      steps.some(({ holdMs, condition: { text, isAboutSilence } }) => {
        return holdMs === 0 && !isAboutSilence && !/"\d+[smhd]"|age_s/.test(text);
      }),
    );
    expect(hasty.map(({ id }) => id)).toEqual([]);
  });
});
