import { localTime } from '../devices/local-time.js';
import { phaseAt, phaseByClock } from '../devices/timetable.js';
import type { SchoolPhase, Timetable } from '../devices/timetable.js';
import type { DeviceRef } from './device-ref.js';

/** What conditions can know of a time and a place. Times are epoch ms. */
export interface Calendar {
  /** What goes on at the site; undefined where nobody knows: on a workday of a site without a timetable. */
  phaseAt(site: string, at: number): SchoolPhase | undefined;
  /** Whether somebody announced work on the device, its room or its site. */
  isInMaintenance(device: DeviceRef, at: number): boolean;
  /** By how much the clocks on the wall are ahead of UTC, ms: where days and hours begin. */
  offsetMs(at: number): number;
}

/** Where nothing is known of the site: no timetable, no maintenance, and clocks as in China. */
export const emptyCalendar: Calendar = {
  phaseAt: () => undefined,
  isInMaintenance: () => false,
  offsetMs: () => 8 * hourMs,
};

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** What a calendar is made of. */
export interface CalendarParts {
  readonly timeZone: string;
  /** Undefined where the site has none. */
  readonly timetable: (site: string) => Timetable | undefined;
  readonly isInMaintenance: Calendar['isInMaintenance'];
}

interface KnownPhase {
  readonly timetable: Timetable;
  readonly minute: number;
  readonly phase: SchoolPhase;
}

/** A calendar by timetables, which remembers what it was asked last: it is asked for every reading. */
export function createCalendar({ timeZone, timetable, isInMaintenance }: CalendarParts): Calendar {
  const phases = new Map<string, KnownPhase>();
  let clock: { readonly minute: number; readonly phase: SchoolPhase | undefined } = {
    minute: NaN,
    phase: undefined,
  };
  let offset = { hour: NaN, ms: 0 };
  return {
    isInMaintenance,
    phaseAt: (site, at) => {
      const own = timetable(site);
      const minute = Math.floor(at / minuteMs);
      if (own === undefined) {
        if (clock.minute !== minute) clock = { minute, phase: phaseByClock(at, timeZone) };
        return clock.phase;
      }
      const known = phases.get(site);
      if (known?.minute === minute && known.timetable === own) return known.phase;
      const phase = phaseAt(own, at, timeZone);
      phases.set(site, { timetable: own, minute, phase });
      return phase;
    },
    offsetMs: (at) => {
      const hour = Math.floor(at / hourMs);
      if (hour !== offset.hour) offset = { hour, ms: offsetOf(hour * hourMs, timeZone) };
      return offset.ms;
    },
  };
}

function offsetOf(at: number, timeZone: string): number {
  const { date, minute } = localTime(at, timeZone);
  return Date.parse(`${date}T00:00:00Z`) + minute * minuteMs - at;
}
