import type { Expression } from '../expression/expression.js';
import type { Sight } from '../expression/sight.js';
import type { RuleStep } from '../rule.js';

/**
 * Where one step of a rule stands.
 *
 *     rest --condition--> pending --held--> active --clear--> clearing --held--> rest
 *       ^-----not condition----|               ^---not clear------|
 */
export const stepPhases = ['rest', 'pending', 'active', 'clearing'] as const;

export interface StepState {
  phase: (typeof stepPhases)[number];
  /** Since when the condition (pending) or the clear condition (clearing) has held; epoch ms. */
  since: number;
  /** When the step was last evaluated with a known result. */
  seenAt: number;
}

/** Where a rule stands for one device, part or group. A rule that is at rest has none. */
export interface AlarmState {
  /** The most severe step that is active; -1: none, and no alarm. */
  level: number;
  /** When the alarm was raised; 0 without an alarm. */
  raisedAt: number;
  /** Transitions of the alarm so far, less one. */
  revision: number;
  readonly steps: readonly StepState[];
}

/** The alarm's next state (undefined: at rest), and what happened on the way there. */
export interface AlarmMove {
  readonly state: AlarmState | undefined;
  readonly transition?: 'raise' | 'change' | 'clear' | undefined;
}

/**
 * Longer without a known result, and nobody can say that the condition held all the time: the hold time
 * counts anew.
 */
const longestGapMs = 1_800_000;

type Steps = readonly RuleStep<Expression>[];

const atRest: AlarmMove = { state: undefined };

/**
 * Moves the alarm on to `sight.at`, which is never before the last time. What is unknown changes nothing.
 * The given state is used up: the move's takes its place.
 */
export function moveAlarm(steps: Steps, state: AlarmState | undefined, sight: Sight): AlarmMove {
  if (state === undefined) {
    const begun = begin(steps, sight);
    if (begun === undefined) return atRest;
    state = { level: -1, raisedAt: 0, revision: 0, steps: begun };
  } else {
    for (let i = 0; i < steps.length; i++)
      moveStep(steps[i] as RuleStep<Expression>, state.steps[i] as StepState, sight);
  }
  const before = state.level;
  const level = levelOf(state.steps);
  if (level === before) return level < 0 && state.steps.every(isAtRest) ? atRest : { state };
  state.level = level;
  if (before < 0) {
    state.raisedAt = sight.at;
    state.revision = 0;
    return { state, transition: 'raise' };
  }
  state.revision++;
  if (level >= 0) return { state, transition: 'change' };
  return { state: state.steps.every(isAtRest) ? undefined : state, transition: 'clear' };
}

/** When anything about the alarm was last known. */
export function lastSeenAt(state: AlarmState): number {
  let at = -Infinity;
  for (const step of state.steps) at = Math.max(at, step.seenAt);
  return at;
}

/** The steps, as soon as the condition of one holds; undefined while all are at rest. */
function begin(steps: Steps, sight: Sight): StepState[] | undefined {
  let begun: StepState[] | undefined;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as RuleStep<Expression>;
    if (step.condition.test(sight) !== true) continue;
    begun ??= steps.map(() => ({ phase: 'rest', since: 0, seenAt: 0 }));
    start(step, begun[i] as StepState, sight.at);
  }
  return begun;
}

function start(step: RuleStep<Expression>, state: StepState, at: number): void {
  state.phase = step.holdMs > 0 ? 'pending' : 'active';
  state.since = state.seenAt = at;
}

function moveStep(step: RuleStep<Expression>, state: StepState, sight: Sight): void {
  const { at } = sight;
  switch (state.phase) {
    case 'rest':
      if (step.condition.test(sight) === true) start(step, state, at);
      return;
    case 'pending': {
      const held = hasHeld(step.condition, step.holdMs, state, sight);
      if (held === false) state.phase = 'rest';
      else if (held === 'long enough') {
        state.phase = 'active';
        state.since = state.seenAt = at;
      }
      return;
    }
    case 'active':
      if (step.clear.test(sight) !== true) return;
      state.phase = step.clearHoldMs === 0 ? 'rest' : 'clearing';
      state.since = state.seenAt = at;
      return;
    case 'clearing': {
      const held = hasHeld(step.clear, step.clearHoldMs, state, sight);
      if (held === 'long enough') state.phase = 'rest';
      else if (held === false) {
        state.phase = 'active';
        state.since = state.seenAt = at;
      }
    }
  }
}

function levelOf(steps: readonly StepState[]): number {
  let level = steps.length - 1;
  while (level >= 0 && !isOn(steps[level] as StepState)) level--;
  return level;
}

function isOn({ phase }: StepState): boolean {
  return phase === 'active' || phase === 'clearing';
}

function isAtRest({ phase }: StepState): boolean {
  return phase === 'rest';
}

function hasHeld(
  expression: Expression,
  holdMs: number,
  state: StepState,
  sight: Sight,
): false | 'unknown' | 'not yet' | 'long enough' {
  const holds = expression.test(sight);
  if (holds === undefined) return 'unknown';
  if (!holds) return false;
  if (sight.at - state.seenAt > longestGapMs) state.since = sight.at;
  state.seenAt = sight.at;
  return sight.at - state.since >= holdMs ? 'long enough' : 'not yet';
}
