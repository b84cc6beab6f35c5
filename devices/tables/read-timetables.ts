import type { Registry } from '../registry.js';
import { findOverlaps } from '../timetable.js';
import type { DateException, Period, Timetable } from '../timetable.js';
import type { TimetableRow } from './columns.js';
import { problemAt } from './read-tables.js';
import type { TableRow } from './read-tables.js';
import type { Report } from './parse-table.js';

type Row = TableRow<TimetableRow>;
type PlacedPeriod = Period & { readonly from: Row };

/**
 * Makes a timetable of each site's rows. A site's rows are its whole timetable: what it had before is replaced.
 */
export function readTimetables(rows: readonly Row[], report: Report): Registry['timetables'] {
  const timetables = new Map<string, Timetable>();
  const bySite = new Map<string, Row[]>();
  for (const row of rows) {
    const { site } = row.fields;
    if (site === undefined) continue;
    const known = bySite.get(site);
    if (known === undefined) bySite.set(site, [row]);
    else known.push(row);
  }
  for (const [site, ofSite] of bySite) {
    const periods = ofSite.flatMap((row) => periodsOf(row, report));
    reportOverlaps(periods, report);
    timetables.set(site, {
      site,
      periods: periods
        .map(({ weekday, start, end, kind, name }) => ({ weekday, start, end, kind, name }))
        .sort((a, b) => a.weekday - b.weekday || a.start - b.start),
      exceptions: exceptionsOf(ofSite, report),
    });
  }
  return timetables;
}

function isException({ fields: { kind } }: Row): boolean {
  return kind === 'holiday' || kind === 'makeup';
}

function periodsOf(row: Row, report: Report): PlacedPeriod[] {
  const { weekdays, dates, start, end, kind, name } = row.fields;
  if (isException(row) || kind === undefined) return [];
  const wrong = (field: string, message: string) => report(problemAt(row, field, message));
  if (dates !== undefined)
    wrong('dates', 'only a holiday or makeup row has dates: clear the cell, or change the kind.');
  for (const [field, value] of Object.entries({ weekdays, start, end })) {
    if (value === undefined) wrong(field, `a ${kind} row needs a weekday, a start and an end: fill them in.`);
  }
  if (weekdays === undefined || start === undefined || end === undefined) return [];
  if (start >= end) {
    wrong('end', 'the period ends before it begins: write local times of one day; midnight is 24:00.');
    return [];
  }
  return weekdays.map((weekday) => ({ weekday, start, end, kind: kind as Period['kind'], name, from: row }));
}

function reportOverlaps(periods: readonly PlacedPeriod[], report: Report): void {
  const reported = new Set<string>();
  for (const [later, earlier] of findOverlaps(periods)) {
    // Rows for several weekdays overlap on each of them.
    const pair = `${later.from.place.file} ${later.from.row} ${earlier.from.place.file} ${earlier.from.row}`;
    if (reported.has(pair)) continue;
    reported.add(pair);
    const other = later.from.place === earlier.from.place ? '' : `${earlier.from.place.file}, `;
    const message = `the period overlaps the one in ${other}row ${earlier.from.row}: change one of them.`;
    report(problemAt(later.from, 'start', message));
  }
}

function exceptionsOf(rows: readonly Row[], report: Report): DateException[] {
  const exceptions = new Map<string, DateException>();
  const from = new Map<string, Row>();
  for (const row of rows.filter(isException)) {
    const { weekdays, dates, start, end, kind, name } = row.fields;
    const wrong = (field: string, message: string) => report(problemAt(row, field, message));
    if (dates === undefined) wrong('dates', `a ${kind} row needs a date: fill it in.`);
    if (start !== undefined || end !== undefined)
      wrong('start', `a ${kind} row is for whole days: clear start and end.`);
    const follows = weekdays?.[0];
    if (kind === 'makeup' && (follows === undefined || weekdays?.length !== 1))
      wrong('weekdays', 'a makeup row needs the one weekday whose timetable holds on that date.');
    if (kind === 'holiday' && weekdays !== undefined)
      wrong('weekdays', 'a holiday row has no weekday: clear it.');
    for (const date of dates ?? []) {
      const before = from.get(date);
      if (before !== undefined)
        wrong('dates', `${date} is already an exception in row ${before.row}: remove one of them.`);
      from.set(date, row);
      exceptions.set(date, { date, follows, name });
    }
  }
  return [...exceptions.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}
