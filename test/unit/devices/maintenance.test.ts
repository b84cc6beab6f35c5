import { describe, expect, it } from 'vitest';
import { parseTime } from '../../../cli/terminal/parse-time.js';
import { isForgotten, MaintenancePlan, stateAt, whyNoWindow } from '../../../devices/maintenance.js';
import type { MaintenanceWindow } from '../../../devices/maintenance.js';

const window: MaintenanceWindow = {
  id: 'm',
  site: 's1',
  from: 1000,
  until: 2000,
  reason: 'switches',
  by: 'cli:a',
  at: 500,
};
const ap = { id: 'ap-1', site: 's1', room: 'r1' };

describe('a maintenance window', () => {
  it.each([
    ['of the site, in time', window, 1000, true],
    ['of the site, too early', window, 999, false],
    ['of the site, too late', window, 2000, false],
    ['of another site', { ...window, site: 's2' }, 1500, false],
    ['of the room', { ...window, room: 'r1' }, 1500, true],
    ['of another room', { ...window, room: 'r2' }, 1500, false],
    ['of the device', { ...window, device: 'ap-1' }, 1500, true],
    ['of another device', { ...window, device: 'ap-2' }, 1500, false],
    ['that was ended', { ...window, ended: { at: 1400, by: 'b' } }, 1500, false],
    ['before it was ended', { ...window, ended: { at: 1400, by: 'b' } }, 1300, true],
    ['that was called off', { ...window, ended: { at: 600, by: 'b' } }, 1500, false],
  ])('%s', (_, of, at, expected) => {
    expect(new MaintenancePlan([of]).covers(ap, at)).toBe(expected);
  });

  it('is about a group of devices only where it is about the whole site', () => {
    const group = { id: '', site: 's1' };
    expect(new MaintenancePlan([window]).covers(group, 1500)).toBe(true);
    expect(new MaintenancePlan([{ ...window, room: 'r1' }]).covers(group, 1500)).toBe(false);
  });

  it('is planned, goes on, and is over', () => {
    expect([0, 1000, 2000].map((at) => stateAt(window, at))).toEqual(['planned', 'going on', 'over']);
    expect(isForgotten(window, 90 * 86_400_000)).toBe(false);
    expect(isForgotten(window, 91 * 86_400_000)).toBe(true);
  });

  it('must end after it begins and in the future, and not go on for ever', () => {
    expect(whyNoWindow(1000, 2000, 500)).toBeUndefined();
    expect(whyNoWindow(2000, 2000, 500)).toContain('ends after it begins');
    expect(whyNoWindow(1000, 2000, 2000)).toContain('over already');
    expect(whyNoWindow(0, 91 * 86_400_000, 0)).toContain('more than 90 days');
  });
});

it.each([
  ['2026-03-02T08:00', '2026-03-02T00:00:00.000Z'],
  ['2026-03-02 08:00:30', '2026-03-02T00:00:30.000Z'],
  ['2026-03-02', '2026-03-01T16:00:00.000Z'],
  ['2026-03-02T08:00+01:00', '2026-03-02T07:00:00.000Z'],
  ['2026-03-02T08:00Z', '2026-03-02T08:00:00.000Z'],
  ['2026-02-30T08:00', undefined],
  ['tomorrow', undefined],
])('a person writes the time %s', (text, expected) => {
  const at = parseTime(text, 'Asia/Shanghai');
  expect(at === undefined ? undefined : new Date(at).toISOString()).toBe(expected);
});
