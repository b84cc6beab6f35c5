import { localTime } from '../../devices/local-time.js';

/**
 * A time as people write it, epoch ms: `2026-03-02T08:00+08:00`, or by the clocks of the time zone `2026-03-02 08:00`.
 * Undefined where it is none.
 */
export function parseTime(text: string, timezone: string): number | undefined {
  const written = text.trim().replace(' ', 'T');
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$/i.test(written)) {
    const at = Date.parse(written);
    return Number.isNaN(at) ? undefined : at;
  }
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(written)) return undefined;
  const asUtc = Date.parse(written.includes('T') ? `${written}Z` : `${written}T00:00Z`);
  // 30 February becomes a day in March.
  if (Number.isNaN(asUtc) || !new Date(asUtc).toISOString().startsWith(written.slice(0, 10)))
    return undefined;
  // Twice, because the zone's clocks may be moved between the two.
  const first = asUtc - aheadMs(asUtc, timezone);
  return asUtc - aheadMs(first, timezone);
}

/** By how much the zone's clocks are ahead of UTC. */
function aheadMs(at: number, timezone: string): number {
  const { date, minute } = localTime(at, timezone);
  return Date.parse(`${date}T00:00:00Z`) + minute * 60_000 - Math.floor(at / 60_000) * 60_000;
}
