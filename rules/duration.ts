const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How a duration is written in rule files, for messages. */
export const durationHint = 'write a whole number and a unit, such as "30s", "10m", "2h" or "1d"';

export const durationPattern = /^(\d{1,6})([smhd])$/;

/** The same for durations of a week at most, as editors check them. */
export const weekPattern =
  '^(?:0*[0-7]d|0*(?:\\d{1,2}|1[0-5]\\d|16[0-8])h|0*(?:\\d{1,4}|100[0-7]\\d|10080)m|' +
  '0*(?:\\d{1,5}|[1-5]\\d{5}|60[0-3]\\d{3}|604[0-7]\\d{2}|604800)s)$';

/** `"10m"` as milliseconds; undefined when the text is no duration (a whole number and s, m, h or d). */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** A duration in its two largest units, e.g. `3 h 12 min` or `10 min`. */
export function formatSeconds(seconds: number): string {
  const [s, min, h] = [seconds % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  const units = [
    [Math.floor(h / 24), 'd'],
    [h % 24, 'h'],
    [min, 'min'],
    [s, 's'],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  const told = units.slice(first, first + 2).filter(([count]) => count > 0);
  return told.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** A duration as it is written in rule files, e.g. `90s` or `2h`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm'] as const)
    if (ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`;
  return `${ms / unitMs.s}s`;
}
