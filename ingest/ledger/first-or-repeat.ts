import type { Reading, Rejection } from '../../devices/telemetry.js';
import type { DecodedNotice, DecodedReading, DecodedRejection } from '../stages/decoded.js';
import { mostSeries } from './ledger-entry.js';
import type { LedgerEntry } from './ledger-entry.js';
import type { RefusedNumber, Verdict } from './seen-readings.js';

/** Whether it is the first time that we see this, as far as its sequence number or time tells. */
export function firstOrRepeat(
  decoded: DecodedReading | DecodedNotice | DecodedRejection,
  entry: LedgerEntry,
  refused: boolean,
): Verdict {
  if (decoded.kind === 'reading' && !refused) return entry.seen.see(decoded.reading);
  if (decoded.kind === 'notice') {
    return decoded.notice.stream === 'event' && !refused ? entry.events.see(decoded.notice) : 'new';
  }
  const number = decoded.kind === 'reading' ? numberOf(decoded.reading) : decoded.number;
  return number === undefined || entry.seen.mark(number) ? 'new' : 'duplicate';
}

function numberOf({ boot = '', seq, ts }: Reading): RefusedNumber | undefined {
  return seq === undefined ? undefined : { boot, seq, ts, plausible: true };
}

/** Why the device may not have the series that this would begin. */
export function findSurplus(
  decoded: DecodedReading | DecodedNotice,
  entry: LedgerEntry,
): Rejection | undefined {
  let series: readonly string[] = [];
  if (decoded.kind === 'notice') {
    if (decoded.notice.stream === 'event') series = [`event ${decoded.notice.type}`];
  } else if (decoded.reading.parts !== undefined) {
    series = Object.keys(decoded.reading.parts).map((part) => `part ${part}`);
  }
  if (entry.admits(series)) return undefined;
  const detail = `the device has more than ${mostSeries} parts and types of events`;
  return { reason: 'too_many_series', detail };
}
