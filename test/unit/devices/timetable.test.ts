import { describe, expect, test } from 'vitest';
import { localTime } from '../../../devices/local-time.js';
import { findOverlaps, phaseAt, phaseByClock } from '../../../devices/timetable.js';
import type { Period, Timetable } from '../../../devices/timetable.js';

const minutes = (time: string) => 60 * Number(time.slice(0, 2)) + Number(time.slice(3));
const period = (weekday: Period['weekday'], start: string, end: string, kind: Period['kind']): Period => ({
  weekday,
  start: minutes(start),
  end: minutes(end),
  kind,
});

// Monday and Friday; Saturday 9 May 2026 is taught as a Friday.
const timetable: Timetable = {
  site: 's1',
  periods: [
    period(1, '08:00', '08:40', 'lesson'),
    period(1, '08:40', '08:50', 'break'),
    period(1, '09:00', '09:40', 'exam'),
    period(1, '19:00', '22:30', 'study'),
    period(5, '10:00', '10:40', 'lesson'),
  ],
  exceptions: [{ date: '2026-05-04' }, { date: '2026-05-09', follows: 5 }],
};
const phase = (local: string) => phaseAt(timetable, Date.parse(`${local}:00+08:00`), 'Asia/Shanghai');

describe('what goes on at a school', () => {
  test('is a lesson wherever periods overlap, in whatever order they are given', () => {
    const overlapping = [period(1, '08:00', '09:00', 'lunch'), period(1, '08:30', '09:30', 'lesson')];
    for (const periods of [overlapping, overlapping.toReversed()]) {
      const phases = ['08:15', '08:45', '09:15'].map((time) =>
        phaseAt({ ...timetable, periods }, Date.parse(`2026-03-02T${time}:00+08:00`), 'Asia/Shanghai'),
      );
      expect(phases).toEqual(['break', 'lesson', 'lesson']);
    }
  });

  test.each([
    ['2026-03-02T08:00', 'lesson', 'a lesson begins'],
    ['2026-03-02T08:39', 'lesson', 'its last minute'],
    ['2026-03-02T08:40', 'break', 'a break'],
    ['2026-03-02T08:55', 'break', 'between two periods'],
    ['2026-03-02T09:10', 'lesson', 'an exam'],
    ['2026-03-02T07:59', 'after_school', 'before the first period'],
    ['2026-03-02T22:15', 'lesson', 'evening study after night has begun elsewhere'],
    ['2026-03-02T22:30', 'night', 'after it'],
    ['2026-03-02T05:59', 'night', 'before six'],
    ['2026-03-03T10:00', 'after_school', 'a weekday without periods'],
    ['2026-05-04T08:10', 'after_school', 'a holiday'],
    ['2026-05-04T23:00', 'night', 'the night of a holiday'],
    ['2026-05-09T10:10', 'lesson', 'a Saturday that is taught as a Friday'],
    ['2026-05-02T10:10', 'after_school', 'another Saturday'],
  ])('%s is %s: %s', (local, expected) => {
    expect(phase(local)).toBe(expected);
  });

  test('by the clocks of the zone, summer time included', () => {
    const at = Date.parse('2026-03-02T08:10:00Z');
    expect(phaseAt(timetable, at, 'UTC')).toBe('lesson');
    expect(phaseAt(timetable, at, 'Asia/Shanghai')).toBe('break');
    expect(localTime(Date.parse('2026-07-06T07:10:00Z'), 'Europe/London')).toEqual({
      date: '2026-07-06',
      weekday: 1,
      minute: 490,
    });
    expect(localTime(Date.parse('2026-03-01T16:00:00Z'), 'Asia/Shanghai')).toEqual({
      date: '2026-03-02',
      weekday: 1,
      minute: 0,
    });
  });
});

test('periods that overlap are found, also those inside a long one, and none that touch', () => {
  const long = period(1, '08:00', '12:00', 'lesson');
  const inside = period(1, '09:00', '09:10', 'break');
  const later = period(1, '10:00', '10:10', 'break');
  const touching = period(1, '12:00', '13:00', 'lunch');
  const otherDay = period(2, '08:00', '12:00', 'lesson');
  expect(findOverlaps([later, touching, otherDay, long, inside])).toEqual([
    [inside, long],
    [later, long],
  ]);
});

test.each([
  ['2026-03-02T23:00', 'night'],
  ['2026-03-02T05:59', 'night'],
  ['2026-03-02T06:30', 'after_school'],
  // It may be a holiday.
  ['2026-03-02T07:00', undefined],
  ['2026-03-06T17:59', undefined],
  ['2026-03-06T18:00', 'after_school'],
  ['2026-03-07T10:00', 'after_school'],
])('without a timetable the clock says at %s that it is %s', (time, expected) => {
  expect(phaseByClock(Date.parse(`${time}:00+08:00`), 'Asia/Shanghai')).toBe(expected);
});
