import type { Weekday } from '../local-time.js';
import { shown } from './cell.js';
import type { CellFormat } from './cell.js';

/** Minutes since midnight, as `8:00`, `08:00` or `08:00:00`; `24:00` is the day's end. */
export const timeOfDayCell: CellFormat<number> = {
  read(text) {
    const [, hours, minutes] = /^(\d{1,2}):(\d{2})(?::00)?$/.exec(text.normalize('NFKC')) ?? [];
    const value = 60 * Number(hours) + Number(minutes);
    if (Number(minutes) < 60 && value <= 1440) return { value };
    return { wrong: `"${shown(text)}" is no time of day: write it like 08:00.` };
  },
  write: (value) => `${twoDigits(Math.floor(value / 60))}:${twoDigits(value % 60)}`,
};

const weekdayNames: readonly (readonly string[])[] = [
  ['1', '一', 'Mon', 'Monday'],
  ['2', '二', 'Tue', 'Tuesday'],
  ['3', '三', 'Wed', 'Wednesday'],
  ['4', '四', 'Thu', 'Thursday'],
  ['5', '五', 'Fri', 'Friday'],
  ['6', '六', 'Sat', 'Saturday'],
  ['7', '日', 'Sun', 'Sunday', '天', '0'],
];

/** A weekday or several in a row: `1`, `周一`, `Mon`, `1-5`, `周一至周五`, `Mon-Fri`. */
export const weekdaysCell: CellFormat<readonly Weekday[]> = {
  read(text) {
    if (/^\d+月\d+日$|^\d+-[A-Z][a-z]{2}$|^\d{4}[-/]/.test(text)) {
      return {
        wrong: `the spreadsheet program made a date ("${text}") of it: write 周一至周五 or Mon-Fri instead of 1-5.`,
      };
    }
    const ends = text
      .normalize('NFKC')
      .toLowerCase()
      .split(/[-~–—至到]/)
      .map(weekdayNamed);
    const [first, last = first] = ends;
    if (first === undefined || last === undefined || first > last || ends.length > 2) {
      return { wrong: `"${shown(text)}" is no weekday: write 1 to 7 (1 is Monday), 周一, Mon, or Mon-Fri.` };
    }
    return { value: Array.from({ length: last - first + 1 }, (_, i) => (first + i) as Weekday) };
  },
  // Not 1-5, of which spreadsheet programs make a date.
  write: (value) => firstAndLast(value.map((weekday) => weekdayNames[weekday - 1]?.[2] ?? '')).join('-'),
};

/** A date or several in a row: `2026-10-01`, `2026/10/1`, `2026年10月1日`, `2026-10-01~2026-10-08`. */
export const datesCell: CellFormat<readonly string[]> = {
  read(text) {
    const ends = text
      .normalize('NFKC')
      .split(/\s*(?:~|\.\.|至|到)\s*/)
      .map(dateNamed);
    const [first, last = first] = ends;
    const days = first === undefined || last === undefined ? 0 : (last - first) / dayMs + 1;
    if (first === undefined || days < 1 || days > longestDays || ends.length > 2) {
      return {
        wrong: `"${shown(text)}" is no date: write it like 2026-10-01, or 2026-10-01~2026-10-08 for up to ${longestDays} days.`,
      };
    }
    return {
      value: Array.from({ length: days }, (_, i) => new Date(first + i * dayMs).toISOString().slice(0, 10)),
    };
  },
  write: (value) => firstAndLast(value).join('~'),
};

const dayMs = 86_400_000;
/** A longer holiday is more likely a wrong year. */
export const longestDays = 100;

function weekdayNamed(text: string): Weekday | undefined {
  const bare = text
    .trim()
    .toLowerCase()
    .replace(/^(周|星期|礼拜)/, '');
  const index = weekdayNames.findIndex((names) => names.some((name) => name.toLowerCase() === bare));
  return index < 0 ? undefined : ((index + 1) as Weekday);
}

/** Epoch ms of its midnight in UTC. */
function dateNamed(text: string): number | undefined {
  const [, year, month, day] = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text.trim()) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const date = `${year}-${twoDigits(Number(month))}-${twoDigits(Number(day))}`;
  const at = Date.parse(`${date}T00:00:00Z`);
  // 30 February becomes a day in March.
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date ? undefined : at;
}

function firstAndLast(run: readonly string[]): string[] {
  return run.length > 1 ? [run[0] ?? '', run.at(-1) ?? ''] : [...run];
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
