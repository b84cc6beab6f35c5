import { intervalOf } from '../device-ref.js';
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
  /** When the step was last evaluated with a known result; of an active one to the minute. */
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
  /** The state differs from the one before, which may be the same object. */
  readonly isMoved: boolean;
  readonly transition?: 'raise' | 'change' | 'clear' | undefined;
  /** Why it was cleared, where that is not its clear condition. */
  readonly reason?: 'no_data' | undefined;
  /** Where it went down: the mildest step that ended just now. */
  readonly ended?: number | undefined;
}

/**
 * Longer without a known result, in ms and in intervals of the device, and nobody can say that the condition held all
 * the time: the hold time counts anew.
 */
const longestGapMs = 1_800_000;
const longestGapIntervals = 3;

/** How often it is noted that an active step is still known, ms. */
const noteMs = 60_000;

type Steps = readonly RuleStep<Expression>[];

const atRest: AlarmMove = { state: undefined, isMoved: false };

/**
 * Moves the alarm on to `sight.at`, which is never before the last time. What is unknown changes nothing.
 * The given state is used up: the move's takes its place.
 */
export function moveAlarm(steps: Steps, state: AlarmState | undefined, sight: Sight): AlarmMove {
  let isMoved = false;
  const wasOn = state === undefined || state.level < 0 ? 0 : onSteps(state.steps);
  if (state === undefined) {
    const begun = begin(steps, sight);
    if (begun === undefined) return atRest;
    state = { level: -1, raisedAt: 0, revision: 0, steps: begun };
    isMoved = true;
  } else {
    for (let i = 0; i < steps.length; i++)
      if (moveStep(steps[i] as RuleStep<Expression>, state.steps[i] as StepState, sight)) isMoved = true;
  }
  const before = state.level;
  const wasLost = before >= 0 && restLost(state.steps, sight);
  const level = levelOf(state.steps);
  if (level === before) {
    const isOver = level < 0 && state.steps.every(isAtRest);
    return { state: isOver ? undefined : state, isMoved: isMoved || wasLost };
  }
  state.level = level;
  if (before < 0) {
    state.raisedAt = sight.at;
    state.revision = 0;
    return { state, isMoved: true, transition: 'raise' };
  }
  state.revision++;
  const ended = level > before ? undefined : mildestOf(wasOn & ~onSteps(state.steps));
  if (level >= 0) return { state, isMoved: true, transition: 'change', ended };
  return {
    state: state.steps.every(isAtRest) ? undefined : state,
    isMoved: true,
    transition: 'clear',
    ended,
    reason: wasLost ? 'no_data' : undefined,
  };
}

/**
 * A step is over when the device goes on reporting, but for as long as a value is known nothing that the step looks at.
 * Of a device that reports nothing at all nobody can say that the fault is gone.
 * @returns whether there was one
 */
function restLost(steps: readonly StepState[], { heardUntil, knownMs }: Sight): boolean {
  let wasLost = false;
  for (const step of steps) {
    if (!isOn(step) || heardUntil - step.seenAt <= knownMs) continue;
    step.phase = 'rest';
    wasLost = true;
  }
  return wasLost;
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
  enter(state, step.holdMs > 0 ? 'pending' : 'active', at);
}

function enter(state: StepState, phase: StepState['phase'], at: number): true {
  state.phase = phase;
  state.since = state.seenAt = at;
  return true;
}

/** @returns whether the state is another now */
function moveStep(step: RuleStep<Expression>, state: StepState, sight: Sight): boolean {
  const { at } = sight;
  switch (state.phase) {
    case 'rest':
      if (step.condition.test(sight) !== true) return false;
      start(step, state, at);
      return true;
    case 'pending': {
      const held = hasHeld(step.condition, step.holdMs, state, sight);
      if (held === false) return enter(state, 'rest', at);
      return held === 'long enough' ? enter(state, 'active', at) : held !== 'unknown';
    }
    case 'active': {
      const isOver = step.clear.test(sight);
      if (isOver === true) return enter(state, step.clearHoldMs === 0 ? 'rest' : 'clearing', at);
      if (isOver === undefined || at - state.seenAt < noteMs) return false;
      state.seenAt = at;
      return true;
    }
    case 'clearing': {
      const held = hasHeld(step.clear, step.clearHoldMs, state, sight);
      if (held === 'long enough') return enter(state, 'rest', at);
      return held === false ? enter(state, 'active', at) : held !== 'unknown';
    }
  }
}

function levelOf(steps: readonly StepState[]): number {
  let level = steps.length - 1;
  while (level >= 0 && !isOn(steps[level] as StepState)) level--;
  return level;
}

/** The steps that are on, one bit each. */
function onSteps(steps: readonly StepState[]): number {
  let bits = 0;
  for (let i = 0; i < steps.length; i++) if (isOn(steps[i] as StepState)) bits |= 1 << i;
  return bits;
}

function mildestOf(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
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
  const gapMs = Math.max(longestGapMs, longestGapIntervals * 1000 * intervalOf(sight.device));
  if (sight.at - state.seenAt > gapMs) state.since = sight.at;
  state.seenAt = sight.at;
  return sight.at - state.since >= holdMs ? 'long enough' : 'not yet';
}
