import type { Weekday } from '../../devices/local-time.js';
import type { SchoolStage } from '../../devices/site.js';
import type { DateException, Period, PeriodKind, Timetable } from '../../devices/timetable.js';

interface DayPlan {
  readonly lessonMinutes: number;
  readonly morning: number;
  readonly afternoon: number;
  /** Whether pupils study in the evening, Monday to Thursday. */
  readonly evening: boolean;
}

const dayPlans: Readonly<Partial<Record<SchoolStage, DayPlan>>> = {
  primary: { lessonMinutes: 40, morning: 4, afternoon: 2, evening: false },
  secondary: { lessonMinutes: 45, morning: 4, afternoon: 4, evening: true },
  vocational: { lessonMinutes: 45, morning: 4, afternoon: 3, evening: true },
};
const usualPlan: DayPlan = { lessonMinutes: 45, morning: 4, afternoon: 3, evening: false };

const weekdays: readonly Weekday[] = [1, 2, 3, 4, 5];
const breakMinutes = 10;
const longBreakMinutes = 30;

/** A plausible week of a school, beginning at `startsAt` (minutes since midnight), and the holidays of 2026. */
export function schoolTimetable(site: string, stage: SchoolStage, startsAt: number): Timetable {
  const plan = dayPlans[stage] ?? usualPlan;
  return { site, periods: weekdays.flatMap((weekday) => dayOf(weekday, plan, startsAt)), exceptions };
}

function dayOf(weekday: Weekday, plan: DayPlan, startsAt: number): Period[] {
  const periods: Period[] = [];
  let at = startsAt;
  const add = (kind: PeriodKind, minutes: number, name: string) => {
    periods.push({ weekday, start: at, end: at + minutes, kind, name });
    at += minutes;
  };
  let number = 0;
  const addLessons = (count: number, longBreakAfter: number) => {
    for (let i = 1; i <= count; i++) {
      add('lesson', plan.lessonMinutes, `第${++number}节`);
      if (i === longBreakAfter) add('break', longBreakMinutes, '大课间');
      else if (i < count) add('break', breakMinutes, '课间');
    }
  };
  add('study', 20, '早读');
  at += breakMinutes;
  addLessons(plan.morning, 2);
  add('lunch', 14 * 60 + 10 - at, '午休');
  addLessons(plan.afternoon, 0);
  at += breakMinutes;
  add('activity', 60, '课后服务');
  if (plan.evening && weekday < 5) {
    at = 19 * 60;
    add('study', 120, '晚自习');
  }
  return periods;
}

/** The public holidays of 2026 with their make-up days, and school holidays as a city may set them. */
const exceptions: readonly DateException[] = [
  ...holiday('寒假', '2026-01-24', 36),
  ...holiday('清明节', '2026-04-04', 3),
  ...holiday('劳动节', '2026-05-01', 5),
  { date: '2026-05-09', follows: 2, name: '劳动节调休' },
  ...holiday('端午节', '2026-06-19', 3),
  ...holiday('暑假', '2026-07-11', 52),
  { date: '2026-09-20', follows: 2, name: '国庆节调休' },
  ...holiday('中秋节', '2026-09-25', 3),
  ...holiday('国庆节', '2026-10-01', 7),
  { date: '2026-10-10', follows: 3, name: '国庆节调休' },
];

function holiday(name: string, from: string, days: number): DateException[] {
  const first = Date.parse(`${from}T00:00:00Z`);
  return Array.from({ length: days }, (_, i) => ({
    date: new Date(first + i * 86_400_000).toISOString().slice(0, 10),
    name,
  }));
}
