const firstMs = 200;
const longestMs = 10_000;
const healthyMs = 30_000;

/**
 * How long to wait before a child that died is started again: doubling from 200 ms to 10 s, and from the
 * beginning again after it lived for 30 s.
 * @param previousMs the wait before the life that just ended; undefined when that was the first
 */
export function restartDelayMs(previousMs: number | undefined, livedMs: number): number {
  if (previousMs === undefined || livedMs >= healthyMs) return firstMs;
  return Math.min(previousMs * 2, longestMs);
}
