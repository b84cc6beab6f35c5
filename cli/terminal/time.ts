/** A time as people read it, e.g. `2026-03-02 08:15:00`. */
export function formatTime(at: number, timezone: string): string {
  // Swedish dates are ISO 8601's.
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at);
}

/** A duration in its two largest units, e.g. `3 h 12 min`. */
export function formatSeconds(seconds: number): string {
  const [s, min, h] = [seconds % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  if (h >= 24) return `${Math.floor(h / 24)} d ${h % 24} h`;
  if (h > 0) return `${h} h ${min} min`;
  return min > 0 ? `${min} min ${s} s` : `${s} s`;
}
