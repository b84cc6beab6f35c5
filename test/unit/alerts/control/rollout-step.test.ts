import { expect, test } from 'vitest';
import { nextStep } from '../../../../alerts/control/rollout-step.js';
import type { DeviceOutcome } from '../../../../alerts/control/rollout-step.js';
import { selectDevices, whyWide } from '../../../../alerts/control/select-targets.js';
import type { Selection } from '../../../../alerts/control/select-targets.js';
import type { Device } from '../../../../devices/device.js';
import { emptyRegistry } from '../../../../devices/registry.js';
import { wavesOf } from '../../../../devices/rollout.js';
import type { Rollout } from '../../../../devices/rollout.js';

const rollout = (count: number, more: Partial<Rollout> = {}): Rollout => ({
  id: 'r1',
  deviceClass: 'ap',
  action: 'reboot',
  args: {},
  targets: Array.from({ length: count }, (_, i) => ({ device: `d${i}`, site: 's1', removals: 0 })),
  waves: wavesOf(count),
  errorShare: 0.1,
  commandMs: 60_000,
  createdBy: '@li',
  createdAt: 0,
  expiresAt: 1000,
  overrides: [],
  state: 'running',
  forgiven: 0,
  history: [],
  ...more,
});
const marks: Record<string, DeviceOutcome | 'under_way'> = {
  d: { state: 'done' },
  f: { state: 'failed' },
  x: { state: 'expired' },
  s: { state: 'skipped' },
  u: 'under_way',
};
/** `'df u'`: the first done, the second failed, the third not told, the fourth under way. */
const standing = (text: string) =>
  new Map(
    Array.from(text).flatMap((mark, i) =>
      mark === ' ' ? [] : [[`d${i}`, marks[mark] ?? 'under_way'] as const],
    ),
  );
const next = (text: string, more: Partial<Rollout> = {}, now = 1) => {
  const step = nextStep(rollout(22, more), standing(text), now);
  return step.kind === 'issue'
    ? `issue ${step.targets.length} from ${step.targets[0]?.device ?? ''}`
    : step.kind === 'end'
      ? step.state
      : 'wait';
};

test.each([
  [1, [1]],
  [2, [1, 1]],
  [3, [1, 1, 1]],
  [22, [1, 3, 18]],
  [17_200, [1, 1720, 15_479]],
])('%i devices are told in waves of %j', (count, waves) => {
  expect(wavesOf(count)).toEqual(waves);
  expect(waves.reduce((a, b) => a + b)).toBe(count);
});

test.each<[string, string, Partial<Rollout>?, number?]>([
  ['', 'issue 1 from d0'],
  ['u', 'wait'],
  ['f', 'stopped'],
  ['s', 'stopped'],
  ['x', 'stopped'],
  ['d', 'issue 3 from d1'],
  ['du d', 'issue 1 from d2'],
  ['duud', 'wait'],
  ['dddf', 'stopped'],
  ['dddf', 'issue 18 from d4', { errorShare: 0.4 }],
  ['dddf', 'issue 18 from d4', { forgiven: 1 }],
  ['ddff', 'stopped', { forgiven: 1 }],
  ['dfuu', 'stopped'],
  ['ddddf', 'issue 17 from d5'],
  ['ddddff', 'stopped'],
  [`dddd${'d'.repeat(18)}`, 'done'],
  [`ddddf${'d'.repeat(17)}`, 'done'],
  [`ddddf${'d'.repeat(16)}u`, 'wait'],
  ['d', 'expired', {}, 1000],
  ['du', 'wait', {}, 1000],
])('%j: %s', (text, step, more, now) => {
  expect(next(text, more, now)).toBe(step);
});

const devices: Device[] = Array.from({ length: 16 }, (_, i) => ({
  id: `ap-${i}`,
  site: i < 10 ? 's1' : 's2',
  deviceClass: i === 0 ? 'gateway' : 'ap',
  room: `r${i % 2}`,
  model: i % 2 === 0 ? 'A' : 'B',
}));
const registry = {
  ...emptyRegistry,
  sites: new Map(
    ['s1', 's2', 's3'].map((id) => [id, { id, kind: 'campus', district: 'unassigned' } as const]),
  ),
  devices: new Map(devices.map((device) => [device.id, device])),
};
const select = (selection: Partial<Selection>) =>
  selectDevices(registry, { deviceClass: 'ap', ...selection }).map(({ id }) => id);

test('a selection is never taken for everything', () => {
  expect(() => select({})).toThrow('Say which devices');
  expect(() => select({ everywhere: true, sites: ['s1'] })).toThrow('--everywhere');
  expect(() => select({ sites: [] })).toThrow('nothing is sent');
  expect(() => select({ sites: ['*'] })).toThrow('No site "*"');
  expect(() => select({ devices: ['ap-*'] })).toThrow('No device "ap-*"');
  expect(() => select({ sites: ['s3'] })).toThrow('nothing is sent');
  expect(() => select({ devices: ['ap-0'] })).toThrow('is no ap');
  expect(() => select({ sites: ['s2'], except: ['ap-99'] })).toThrow('No device "ap-99"');
  expect(select({ everywhere: true })).toHaveLength(15);
  expect(select({ sites: ['s2'], models: ['A'], except: ['ap-12'] })).toEqual(['ap-10', 'ap-14']);
});

test('half of a class at a site, or more than 50 devices, take a second person', () => {
  const wide = (selection: Partial<Selection>, action = 'reboot') =>
    whyWide(registry, selectDevices(registry, { deviceClass: 'ap', ...selection }), action);
  expect(wide({ devices: ['ap-1', 'ap-2', 'ap-3', 'ap-4'] })).toBeUndefined();
  expect(wide({ devices: ['ap-1', 'ap-2', 'ap-3', 'ap-4', 'ap-5'] })).toBe(
    'it is for 5 of 9 devices of class ap at site "s1"',
  );
  expect(wide({ sites: ['s2'] })).toContain('6 of 6');
  expect(wide({ sites: ['s2'] }, 'report')).toBeUndefined();
});
