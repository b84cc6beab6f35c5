import { createPrograms } from '../engine/program.js';
import type { CompiledRule } from '../rule.js';

/** Less is never read before a period: devices must have been heard to be missed. */
const leastMs = 3_600_000;

/**
 * How much of the time before a period must be judged, too, for the rules to stand as if they had always been on:
 * the longest that one looks back, and the longest that one has to hold; ms.
 */
export function warmUpMs(rules: readonly CompiledRule[]): number {
  const memories = Object.values(createPrograms(rules)).flatMap((program) => program.memories);
  const lookBackMs = Math.max(0, ...memories.map((memory) => memory.lookBackMs));
  const holdsMs = rules.flatMap(({ steps }) =>
    steps.flatMap(({ holdMs, clearHoldMs }) => [holdMs, clearHoldMs]),
  );
  return Math.max(leastMs, lookBackMs + Math.max(0, ...holdsMs));
}
