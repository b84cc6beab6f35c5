import type { Expression } from '../expression/compile-expression.js';
import type { Sight } from '../expression/sight.js';
import type { CompiledRule } from '../rule.js';

/**
 * Where one rule stands for one device or part of it. A rule that is at rest has none.
 *
 *     (at rest) --condition--> pending --held--> active --clear--> clearing --held--> (at rest)
 *         ^------not condition----|                ^---not clear------|
 */
export interface AlarmState {
  phase: 'pending' | 'active' | 'clearing';
  /** Since when the condition (pending) or the clear condition (clearing) has held; epoch ms. */
  since: number;
  /** When the alarm was raised; 0 while pending. */
  raisedAt: number;
  /** When the rule was last evaluated with a known result. */
  seenAt: number;
}

/** The alarm's next state (undefined: at rest), and what happened on the way there. */
export interface AlarmStep {
  readonly state: AlarmState | undefined;
  readonly transition?: 'raise' | 'clear' | undefined;
}

/**
 * Longer without a known result, and nobody can say that the condition held all the time: the hold time
 * counts anew.
 */
const longestGapMs = 1_800_000;

const atRest: AlarmStep = { state: undefined };

/**
 * Moves the alarm on to `sight.at`, which is never before the last time. What is unknown changes nothing.
 * The given state is used up: the step's takes its place.
 */
export function stepAlarm(rule: CompiledRule, state: AlarmState | undefined, sight: Sight): AlarmStep {
  const { at } = sight;
  if (state === undefined) {
    if (rule.condition.test(sight) !== true) return atRest;
    if (rule.holdMs > 0) return { state: { phase: 'pending', since: at, raisedAt: 0, seenAt: at } };
    return { state: { phase: 'active', since: at, raisedAt: at, seenAt: at }, transition: 'raise' };
  }
  if (state.phase === 'pending') {
    const held = hasHeld(rule.condition, rule.holdMs, state, sight);
    if (held === false) return atRest;
    if (held !== 'long enough') return { state };
    return { state: { phase: 'active', since: at, raisedAt: at, seenAt: at }, transition: 'raise' };
  }
  if (state.phase === 'active') {
    if (rule.clear.test(sight) !== true) return { state };
    if (rule.clearHoldMs === 0) return { state: undefined, transition: 'clear' };
    return { state: { phase: 'clearing', since: at, raisedAt: state.raisedAt, seenAt: at } };
  }
  const held = hasHeld(rule.clear, rule.clearHoldMs, state, sight);
  if (held === 'long enough') return { state: undefined, transition: 'clear' };
  if (held === false) return { state: { phase: 'active', since: at, raisedAt: state.raisedAt, seenAt: at } };
  return { state };
}

function hasHeld(
  expression: Expression,
  holdMs: number,
  state: AlarmState,
  sight: Sight,
): false | 'unknown' | 'not yet' | 'long enough' {
  const holds = expression.test(sight);
  if (holds === undefined) return 'unknown';
  if (!holds) return false;
  if (sight.at - state.seenAt > longestGapMs) state.since = sight.at;
  state.seenAt = sight.at;
  return sight.at - state.since >= holdMs ? 'long enough' : 'not yet';
}
