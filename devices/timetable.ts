import type { LocalTime, Weekday } from './local-time.js';
import { localTime } from './local-time.js';
import type { Vocabulary } from './words.js';

export type PeriodKind = 'lesson' | 'study' | 'exam' | 'break' | 'lunch' | 'activity';

export const periodKindWords: Vocabulary<PeriodKind> = {
  lesson: { zh: '上课', en: 'Lesson', also: ['课', '正课', 'class'] },
  study: { zh: '自习', en: 'Study', also: ['早读', '晚自习', '早自习', '晨读'] },
  exam: { zh: '考试', en: 'Exam' },
  break: { zh: '课间', en: 'Break', also: ['休息', '课间操', '大课间'] },
  lunch: { zh: '午休', en: 'Lunch', also: ['午餐', '午饭'] },
  activity: { zh: '活动', en: 'Activity', also: ['课后服务', '社团', 'club'] },
};

/** A stretch of a weekday; times are local, in minutes since midnight, `end` is not part of it. */
export interface Period {
  readonly weekday: Weekday;
  readonly start: number;
  readonly end: number;
  readonly kind: PeriodKind;
  readonly name?: string | undefined;
}

/** A date on which the weekday's plan does not hold: nobody is taught, or another weekday's plan holds. */
export interface DateException {
  /** `2026-10-01` */
  readonly date: string;
  /** The weekday whose plan holds instead (调休); none: a holiday. */
  readonly follows?: Weekday | undefined;
  readonly name?: string | undefined;
}

/** When a site teaches. */
export interface Timetable {
  readonly site: string;
  readonly periods: readonly Period[];
  readonly exceptions: readonly DateException[];
}

/**
 * What goes on at a site: `lesson` (also study and exams: whoever disturbs it disturbs teaching), `break`
 * (within the school day), `after_school` (outside it, by day; also on days without school), `night`.
 */
export type SchoolPhase = 'lesson' | 'break' | 'after_school' | 'night';

const phaseOfKind: Readonly<Record<PeriodKind, SchoolPhase>> = {
  lesson: 'lesson',
  study: 'lesson',
  exam: 'lesson',
  break: 'break',
  lunch: 'break',
  activity: 'break',
};

// Outside the school day it is night between these, local minutes since midnight; our design values.
const nightFrom = 22 * 60;
const nightUntil = 6 * 60;
// Without a timetable nobody says anything of a workday between these.
const workFrom = 7 * 60;
const workUntil = 18 * 60;

/** What goes on at the site of the timetable at an instant (epoch ms), by the clocks of its time zone. */
export function phaseAt(timetable: Timetable, at: number, timeZone: string): SchoolPhase {
  const now = localTime(at, timeZone);
  const plan = planOf(timetable, now);
  const periods = plan.filter(({ start, end }) => start <= now.minute && now.minute < end);
  // An import refuses periods that overlap; where one slips in, the lesson counts: it must not be disturbed.
  if (periods.length > 0)
    return periods.some(({ kind }) => phaseOfKind[kind] === 'lesson') ? 'lesson' : 'break';
  const isSchoolDay =
    plan.some(({ start }) => start <= now.minute) && plan.some(({ end }) => end > now.minute);
  if (isSchoolDay) return 'break';
  return now.minute >= nightFrom || now.minute < nightUntil ? 'night' : 'after_school';
}

/** Whether an exam is written at the site of the timetable at an instant (epoch ms). */
export function isExamAt(timetable: Timetable, at: number, timeZone: string): boolean {
  const now = localTime(at, timeZone);
  return planOf(timetable, now).some(
    ({ kind, start, end }) => kind === 'exam' && start <= now.minute && now.minute < end,
  );
}

/**
 * What the clock alone says of a site without a timetable: night, or that it is outside of school hours. By day, Monday
 * to Friday, nobody knows whether it teaches (it may be a holiday), so that it is undefined.
 */
export function phaseByClock(at: number, timeZone: string): SchoolPhase | undefined {
  const { minute, weekday } = localTime(at, timeZone);
  if (minute >= nightFrom || minute < nightUntil) return 'night';
  const isWorkday = weekday <= 5;
  return isWorkday && minute >= workFrom && minute < workUntil ? undefined : 'after_school';
}

/** The periods that hold on a date. */
function planOf(timetable: Timetable, { date, weekday }: LocalTime): readonly Period[] {
  const exception = timetable.exceptions.find((each) => each.date === date);
  const follows = exception === undefined ? weekday : exception.follows;
  return timetable.periods.filter((period) => period.weekday === follows);
}

/** Pairs of periods of one weekday that overlap, the later one first. */
export function findOverlaps<Each extends Period>(periods: readonly Each[]): [later: Each, earlier: Each][] {
  const overlaps: [Each, Each][] = [];
  const sorted = periods.toSorted((a, b) => a.weekday - b.weekday || a.start - b.start);
  // Of the periods before, the one that ends last: a long one may reach over several.
  let longest: Each | undefined;
  for (const period of sorted) {
    if (longest?.weekday === period.weekday && period.start < longest.end) overlaps.push([period, longest]);
    if (longest?.weekday !== period.weekday || period.end > longest.end) longest = period;
  }
  return overlaps;
}
