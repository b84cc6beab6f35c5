const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const shanghaiMs = 8 * 60 * minuteMs;

// Sunday first. Whole days of the recording, 2015-02-05 (Thursday) to 02-09 (Monday), each standing for a day
// of its kind: term days for term days, the weekend for the weekend.
const sourceDays = [
  '2015-02-08',
  '2015-02-09',
  '2015-02-05',
  '2015-02-09',
  '2015-02-05',
  '2015-02-06',
  '2015-02-07',
] as const;

/** So that the recorded rooms, at their fullest at 18:10, are so when the demo's clock starts at 15:55. */
const commonShiftMinutes = 135;

/**
 * The recorded minute (epoch ms) that a demo room shows at pipeline time `at`: the same time of day, shifted,
 * on a recorded day of the same kind. It depends on nothing else, so a restarted demo goes on where it was.
 */
export function sourceTime(at: number, offsetMinutes: number): number {
  const local = at + shanghaiMs + (commonShiftMinutes + offsetMinutes) * minuteMs;
  const day = sourceDays[new Date(local).getUTCDay()] ?? sourceDays[1];
  const timeOfDay = local % dayMs;
  return Date.parse(`${day}T00:00:00+08:00`) + timeOfDay - (timeOfDay % minuteMs);
}

/** The times after `from` and not after `to` at which a device measures: once a minute, at its own phase. */
export function measuringTimes(from: number, to: number, phaseMs: number): number[] {
  const times: number[] = [];
  const first = Math.floor((from - phaseMs) / minuteMs + 1) * minuteMs + phaseMs;
  for (let at = first; at <= to; at += minuteMs) times.push(at);
  return times;
}
