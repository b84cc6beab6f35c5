import type { z } from 'zod';
import type { StatePath } from './state-key.js';
import type { MetricValue } from './telemetry.js';

/** Arguments of a command, by name. */
export type Arguments = Readonly<Record<string, MetricValue | boolean>>;

/**
 * `person`: before an automatism may send it, a person; a person who sends it has agreed. `second_person`: always
 * somebody else than who wants it.
 */
export type ApprovalNeed = 'none' | 'person' | 'second_person';

/** Something a device of a class can be told to do. */
export interface Action {
  readonly zh: string;
  readonly en: string;
  /** Strict: an argument it does not know is a mistake. */
  readonly args: z.ZodObject;
  /** Whether a lesson in the room goes on undisturbed. */
  readonly safeInLesson: boolean;
  /** Who has to agree each time, beside whoever wants it. */
  readonly approval: ApprovalNeed;
  /** It changes nothing and disturbs nobody: budgets and guards don't count it. */
  readonly harmless?: true | undefined;
  /** What it leaves changed for good, for the twin's desired state. */
  readonly sets?: SettledState | undefined;
  /** What the device's reported state shows once it worked; absent: its answer is all there is. */
  readonly expects?: ((args: Arguments) => Expectation) | undefined;
  /** How long the reported state may take to show it, from the answer, in ms. */
  readonly withinMs: (args: Arguments) => number;
}

/** The state that the argument `name` becomes: of the device, of the part that the argument `part` names, or `meta`. */
export interface SettledState {
  readonly name: string;
  readonly part?: string | undefined;
  readonly meta?: true | undefined;
}

/** How the success of a command shows in what its device reports. */
export type Expectation =
  /** A value is one of these. With `after: 'answer'` what was reported before the answer is no proof. */
  | {
      readonly shows: 'value';
      readonly path: StatePath;
      readonly among: readonly MetricValue[];
      readonly after: 'issue' | 'answer';
    }
  /** The device started anew: another boot id, or an uptime that began since. */
  | { readonly shows: 'restart' }
  /** Any reading at all. */
  | { readonly shows: 'reading' };

/** Whether somebody else has to agree before it is sent. */
export function needsApproval({ approval }: Action, isAutomatic: boolean): boolean {
  return approval === 'second_person' || (isAutomatic && approval === 'person');
}

/** The state an action settles for good when it is sent with these arguments. */
export function settledState(
  action: Action,
  args: Arguments,
): { readonly path: StatePath; readonly value: MetricValue } | undefined {
  const { sets } = action;
  if (sets === undefined) return undefined;
  const value = args[sets.name];
  if (value === undefined || typeof value === 'boolean') return undefined;
  return { path: pathOf(sets, args), value };
}

/** What proves that the action worked with these arguments; undefined where the answer is all there is. */
export function expectationOf(action: Action, args: Arguments): Expectation | undefined {
  if (action.expects !== undefined) return action.expects(args);
  const state = settledState(action, args);
  return state && { shows: 'value', path: state.path, among: [state.value], after: 'issue' };
}

function pathOf(sets: SettledState, args: Arguments): StatePath {
  if (sets.meta === true) return { of: 'meta', name: sets.name };
  if (sets.part === undefined) return { of: 'device', name: sets.name };
  return { of: 'part', part: String(args[sets.part]), name: sets.name };
}
