import { expect, test } from 'vitest';
import { findRefusal } from '../../../../alerts/control/guards.js';
import type { ControlScene, GuardedOrder, OrderKind } from '../../../../alerts/control/guards.js';
import type { Device } from '../../../../devices/device.js';

const minute = 60_000;
const now = 1_000_000_000;
const ap = (id: string, more: Partial<Device> = {}): Device => ({
  id,
  site: 's1',
  deviceClass: 'ap',
  room: 'r1',
  ...more,
});
const order = (kind: OrderKind, more: Partial<GuardedOrder> = {}): GuardedOrder => ({
  kind,
  device: ap('ap-1'),
  actionName: 'reboot',
  action: { safeInLesson: false },
  overrides: [],
  ...more,
});
const calm: ControlScene = {
  now,
  phase: 'after_school',
  isExam: false,
  hour: 18,
  lately: [],
  underway: [],
  classSize: 70,
  unwell: [],
  unwellRoommates: [],
};
const held = (kind: OrderKind, scene: Partial<ControlScene>, more: Partial<GuardedOrder> = {}) =>
  findRefusal(order(kind, more), { ...calm, ...scene })?.guard;
const elsewhere = (count: number) => Array.from({ length: count }, (_, i) => ap(`x${i}`, { site: `t${i}` }));
const safe = { action: { safeInLesson: true } };

test.each<[string, OrderKind[], Partial<ControlScene>, string | undefined, Partial<GuardedOrder>?]>([
  ['nothing speaks against it', ['single', 'group', 'runbook'], {}, undefined],
  ['a lesson', ['single', 'group', 'runbook'], { phase: 'lesson' }, 'lesson'],
  ['a lesson, and it does not disturb', ['single', 'runbook'], { phase: 'lesson' }, undefined, safe],
  ['a break', ['single', 'runbook'], { phase: 'break' }, undefined],
  ['an exam, whatever it is', ['single', 'group', 'runbook'], { isExam: true }, 'exam', safe],
  [
    'an exam, and it is harmless',
    ['runbook'],
    { isExam: true },
    undefined,
    { action: { safeInLesson: true, harmless: true } },
  ],
  ['no timetable by day', ['runbook'], { phase: undefined, hour: 7 }, 'timetable'],
  ['no timetable by day, for a person', ['single', 'group'], { phase: undefined, hour: 7 }, undefined],
  ['no timetable at night', ['runbook'], { phase: undefined, hour: 22 }, undefined],
  [
    'the other AP of the room is acted on',
    ['single', 'group', 'runbook'],
    { underway: [ap('ap-2')] },
    'room',
  ],
  ['an AP of another room is', ['single', 'runbook'], { underway: [ap('ap-2', { room: 'r2' })] }, undefined],
  [
    'a room of that name elsewhere',
    ['single', 'runbook'],
    { underway: [ap('ap-2', { site: 's2' })] },
    undefined,
  ],
  ['the other AP of the room is down', ['single', 'runbook'], { unwellRoommates: ['ap-2'] }, 'room'],
  [
    'no room is known',
    ['single'],
    { underway: [ap('ap-2', { room: 'unassigned' })] },
    undefined,
    { device: ap('ap-1', { room: 'unassigned' }) },
  ],
  ['30 % are not well', ['group', 'runbook'], { classSize: 10, unwell: ['a', 'b', 'c'] }, 'common_cause'],
  ['30 % are not well, for a person', ['single'], { classSize: 10, unwell: ['a', 'b', 'c'] }, undefined],
  ['just less than 30 %', ['runbook'], { classSize: 11, unwell: ['a', 'b', 'c'] }, undefined],
  ['one of two is not well', ['runbook'], { classSize: 2, unwell: ['a'] }, undefined],
  [
    'commanded a moment less than 15 min ago',
    ['group', 'runbook'],
    { lately: [now - 15 * minute + 1] },
    'cool_down',
  ],
  ['commanded 15 min ago', ['group', 'runbook'], { lately: [now - 15 * minute] }, undefined],
  ['commanded a minute ago, by a person', ['single'], { lately: [now - minute] }, undefined],
  [
    '3 in 24 hours',
    ['runbook'],
    { lately: [now - 1439 * minute, now - 60 * minute, now - 30 * minute] },
    'day_budget',
  ],
  [
    '3, one of them 24 hours ago',
    ['runbook'],
    { lately: [now - 1440 * minute, now - 60 * minute, now - 30 * minute] },
    undefined,
  ],
  [
    '1 of 19: more than a tenth',
    ['runbook'],
    { classSize: 19, underway: [ap('ap-2', { room: 'r2' })] },
    'class_share',
  ],
  ['1 of 20', ['runbook'], { classSize: 20, underway: [ap('ap-2', { room: 'r2' })] }, undefined],
  [
    '2 at the site',
    ['group', 'runbook'],
    { underway: [ap('p1', { deviceClass: 'whiteboard' }), ap('p2', { deviceClass: 'sensor' })] },
    'site',
  ],
  ['5 other sites', ['group', 'runbook'], { underway: elsewhere(5) }, 'city'],
  ['4 other sites', ['runbook'], { underway: elsewhere(4) }, undefined],
  [
    '5 sites, this one of them',
    ['runbook'],
    { underway: [...elsewhere(4), ap('p', { deviceClass: 'sensor' })] },
    undefined,
  ],
])('%s: %j', (_what, kinds, scene, guard, more) => {
  for (const kind of kinds) expect(held(kind, scene, more), kind).toBe(guard);
});

test('a person may set a guard aside, a runbook may not, and the next guard still asks', () => {
  const overrides = ['lesson'];
  expect(held('single', { phase: 'lesson' }, { overrides })).toBeUndefined();
  expect(held('runbook', { phase: 'lesson' }, { overrides })).toBe('lesson');
  expect(held('group', { phase: 'lesson', isExam: true }, { overrides })).toBe('exam');
});

test('a refusal names the numbers, and when it may be asked again', () => {
  const refusal = findRefusal(order('runbook'), { ...calm, lately: [now - 4 * minute] });
  expect(refusal).toMatchObject({
    passes: true,
    until: now + 11 * minute,
    message: 'Device "ap-1" was commanded 4 min ago: 15 min have to pass.',
  });
});
