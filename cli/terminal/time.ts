/** A time as people read it, e.g. `2026-03-02 08:15:00`. */
export function formatTime(at: number, timezone: string): string {
  // Swedish dates are ISO 8601's.
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at);
}
