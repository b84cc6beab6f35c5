/** What a clock and a calendar on the wall show. */
export interface LocalTime {
  /** `2026-03-02` */
  readonly date: string;
  /** 1 is Monday, 7 is Sunday. */
  readonly weekday: Weekday;
  /** Minutes since midnight. */
  readonly minute: number;
}

export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

const formats = new Map<string, Intl.DateTimeFormat>();

/** The local time in a time zone (IANA name) at an instant (epoch ms). */
export function localTime(at: number, timeZone: string): LocalTime {
  let format = formats.get(timeZone);
  if (format === undefined) {
    // Swedish dates are ISO 8601's.
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
    formats.set(timeZone, format);
  }
  const [date = '', time = ''] = format.format(at).split(' ');
  return { date, weekday: weekdayOf(date), minute: 60 * Number(time.slice(0, 2)) + Number(time.slice(3, 5)) };
}

/** The weekday of a date such as `2026-03-02`. */
export function weekdayOf(date: string): Weekday {
  return (((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7) + 1) as Weekday;
}
