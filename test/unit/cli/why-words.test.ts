import { expect, it } from 'vitest';
import { describePlace, withoutPlaceholders } from '../../../cli/terminal/alarm-place.js';
import { formatWhyNot } from '../../../cli/why/format-why-not.js';
import type { WhyNot } from '../../../cli/why/why-not.js';
import { createEngine } from '../../../rules/engine/engine.js';
import { emptyCalendar } from '../../../rules/calendar.js';
import { formatSeconds } from '../../../rules/duration.js';
import { parseRules } from '../../../rules/parse-rules.js';

const at = Date.parse('2026-03-02T08:00:00Z');

function ask(condition: string, changed: Partial<WhyNot>): string {
  const text = `{ id: r1, title: { zh: 甲, en: A }, advice: { zh: 乙, en: B }, source: test, class: sensor, severity: major, condition: '${condition}' }`;
  const rules = parseRules([{ name: 'r.yaml', text }]);
  const engine = createEngine(rules, { ...emptyCalendar, isInMaintenance: () => true });
  const device = { id: 'd1', site: 's1', deviceClass: 'sensor' } as const;
  const newest = { ts: at, m: { temp_c: 31 } };
  engine.reading(device, newest, at);
  const [rule] = rules;
  if (rule === undefined) throw new Error('one rule');
  const found = engine.inspect('r1', 'd1', at, newest);
  const who = { rule, device: 'd1', site: 's1', deviceClass: 'sensor', at, newest } as const;
  return formatWhyNot({ ...who, found, obstacles: [], alarms: [], ...changed }, 'UTC');
}

it('why-not shows a negated clause as it is written', () => {
  const said = ask('temp_c > 26 && !maintenance && !(temp_c > 40)', {});
  expect(said).toContain('true    temp_c > 26: 31');
  expect(said).toContain('FALSE   !maintenance');
  expect(said).toContain('true    !(temp_c > 40): 31');
});

it('why-not calls its replay one, and says what the pipeline itself has', () => {
  const alarm = { id: 'r1~d1~5', severity: 'major', raisedAt: at - 60_000, clearedAt: undefined } as const;
  const none = ask('temp_c > 40', {});
  expect(none).toContain('The device: no alarm is active by a replay of the history');
  expect(none).toContain('In the pipeline no alarm of it was active.');
  expect(none).not.toContain('The replay finds otherwise');
  const other = ask('temp_c > 40', { alarms: [{ ...alarm, shadow: undefined }] });
  expect(other).toMatch(/In the pipeline an alarm was active \(major\) since .*: campus why r1~d1~5/);
  expect(other).toContain('The replay finds otherwise');
  expect(ask('temp_c > 40', { alarms: undefined })).not.toContain('In the pipeline');
});

it('places that nobody assigned are not shown', () => {
  const site = { site: 'school-1', room: 'unassigned', group: { kind: 'site', id: 'school-1' } } as const;
  const district = {
    site: 'unassigned',
    room: 'unassigned',
    group: { kind: 'district', id: 'nanhai' },
  } as const;
  expect(describePlace(site)).toEqual(['school-1', 'site school-1']);
  expect(describePlace(district)).toEqual(['district nanhai']);
  expect(describePlace({ site: 's1', room: 'r1', device: 'd1', part: 'p' })).toEqual(['s1, r1', 'd1/p']);
  expect(withoutPlaceholders(site)).toEqual({ site: 'school-1', group: site.group });
  expect(withoutPlaceholders(district)).toEqual({ group: district.group });
});

it.each([
  [600, '10 min'],
  [605, '10 min 5 s'],
  [0, '0 s'],
  [3600, '1 h'],
  [3605, '1 h'],
  [11_520, '3 h 12 min'],
  [172_800, '2 d'],
])('%d seconds are %s', (seconds, said) => {
  expect(formatSeconds(seconds)).toBe(said);
});
