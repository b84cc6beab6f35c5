import { localTime } from '../devices/local-time.js';
import { parseDuration } from '../rules/duration.js';
import { AppError } from '../runtime/app-error.js';

const hint = 'write it as 2026-03-02, 2026-03-02T08:00, 2026-03-02T00:00Z, 7d (so long ago) or now';
const pattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * A time as a person writes it, by the clocks of `timeZone` where it names no zone.
 * @param now what durations count back from, epoch ms
 * @throws AppError `bad_time` naming the option
 */
export function parseTimeOption(option: string, text: string, timeZone: string, now: number): number {
  const written = text.trim();
  if (written === 'now') return now;
  const ago = parseDuration(written);
  if (ago !== undefined) return now - ago;
  const at = pattern.test(written) ? readDate(written, timeZone) : undefined;
  if (at !== undefined) return at;
  throw new AppError('bad_time', `${option}: "${text}" is no time: ${hint}.`);
}

function readDate(written: string, timeZone: string): number | undefined {
  const [, date = '', hour = '00', minute = '00', second = '00', millis = '0', zone] =
    pattern.exec(written) ?? [];
  const asUtc = Date.parse(`${date}T${hour}:${minute}:${second}.${millis.padEnd(3, '0')}Z`);
  // Date.parse takes the 30th of February for the 2nd of March.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 10) !== date) return undefined;
  if (zone === 'Z') return asUtc;
  if (zone !== undefined) {
    const offsetMs = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60_000;
    return zone.startsWith('-') ? asUtc + offsetMs : asUtc - offsetMs;
  }
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const guess = asUtc - offsetAt(asUtc, timeZone);
  return asUtc - offsetAt(guess, timeZone);
}

function offsetAt(at: number, timeZone: string): number {
  const { date, minute } = localTime(at, timeZone);
  return Date.parse(`${date}T00:00:00Z`) + minute * 60_000 - Math.floor(at / 60_000) * 60_000;
}
