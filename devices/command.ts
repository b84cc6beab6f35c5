import { z } from 'zod';
import type { Arguments } from './action.js';
import type { DeviceClass } from './device-class.js';

/**
 * Where a command is on its way:
 *
 *   pending ─▶ delivered ─▶ acknowledged ─▶ done
 *      │           │             └────────▶ failed (not_shown)
 *      │           ├─▶ failed (refused, not_acknowledged)
 *      ├─▶ expired │
 *      └─▶ cancelled ◀┘
 *
 * Delivered: the device's MQTT client has it. Acknowledged: the device said that it did it. Done: it said so
 * and, where the action says how, its reported state shows it.
 */
export type CommandState =
  'pending' | 'delivered' | 'acknowledged' | 'done' | 'failed' | 'expired' | 'cancelled';

export const commandStates = [
  'pending',
  'delivered',
  'acknowledged',
  'done',
  'failed',
  'expired',
  'cancelled',
] as const satisfies readonly CommandState[];

/** What a command failed by. */
export type CommandFailure = 'not_acknowledged' | 'refused' | 'not_shown';

/** A command as it is kept. Times are pipeline time, epoch ms. */
export interface Command {
  /** Also what the device tells repeats by: it acts once on an id. */
  readonly id: string;
  readonly device: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** Which of the devices that had the id one after the other it is for; absent in records of earlier versions. */
  readonly removals?: number | undefined;
  /** Of the reading log: where the device's answer will be. */
  readonly shard: number;
  readonly action: string;
  readonly args: Arguments;
  /** A person or a part of the pipeline, e.g. `cli:wang` or `heal:ap-hung@a1b2c3`. */
  readonly issuedBy: string;
  /** Why, as whoever issued it says. */
  readonly reason?: string | undefined;
  /** What it is to mend: the incident and its diagnosis. */
  readonly incident?: string | undefined;
  readonly diagnosis?: string | undefined;
  /** The group command that it is a part of, and the approval that it has. */
  readonly rollout?: string | undefined;
  readonly approval?: string | undefined;
  readonly issuedAt: number;
  /** From then on it is not delivered any more. */
  readonly expiresAt: number;
  readonly state: CommandState;
  /** How often it was sent to the device. */
  readonly attempts: number;
  /** The bridge account that it was sent to last, by its user name; absent where that was the device itself. */
  readonly through?: string | undefined;
  readonly answer?: CommandAnswer | undefined;
  /** Until when the reported state has to show it. */
  readonly verifyBy?: number | undefined;
  readonly failure?: CommandFailure | undefined;
  readonly finishedAt?: number | undefined;
  /** Everything that happened to it, oldest first. */
  readonly history: readonly CommandStep[];
}

export interface CommandAnswer {
  readonly at: number;
  /** Entry of the reading log that it is in: what is earlier in the log can't prove anything about it. */
  readonly entry: string;
  readonly ok: boolean;
  /** What the device said besides, shortened. */
  readonly result?: string | undefined;
  /** The user name of the bridge account that answered for the device. */
  readonly through?: string | undefined;
}

export interface CommandStep {
  readonly at: number;
  readonly state: CommandState;
  readonly by: string;
  readonly why?: string | undefined;
}

/** What can happen to a command. */
export type CommandEvent =
  /** A broker is about to send it, to a bridge account where `through` names one. */
  | { readonly kind: 'sent'; readonly at: number; readonly by: string; readonly through?: string | undefined }
  /** It was not sent after all: its connection had no room any more, or was gone. */
  | { readonly kind: 'withheld'; readonly at: number; readonly by: string }
  /** The MQTT client of the device, or of a bridge account, confirmed it (PUBACK). */
  | { readonly kind: 'confirmed'; readonly at: number; readonly through?: string | undefined }
  /** The device answered. `verifyMs`: how long its state may take to show it; absent where the answer is all. */
  | { readonly kind: 'answered'; readonly answer: CommandAnswer; readonly verifyMs?: number | undefined }
  /** The reported state shows it. */
  | { readonly kind: 'shown'; readonly at: number; readonly why: string }
  | { readonly kind: 'time'; readonly at: number }
  | { readonly kind: 'cancelled'; readonly at: number; readonly by: string }
  /** Its device was removed, or moved to another site: nothing that is heard of it can settle the command. */
  | { readonly kind: 'gone'; readonly at: number; readonly by: string; readonly why: string };

/** After the expiry a device that has the command may take this long to answer. */
export const answerGraceMs = 30_000;

/** An id is one word; it may hold what ids of alarms are made of. */
export const commandIdPattern = /^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$/;

/** A new command, valid from now on. */
export function createCommand(
  wanted: Pick<
    Command,
    | 'id'
    | 'device'
    | 'site'
    | 'deviceClass'
    | 'removals'
    | 'shard'
    | 'action'
    | 'args'
    | 'issuedBy'
    | 'reason'
    | 'incident'
    | 'diagnosis'
    | 'rollout'
    | 'approval'
    | 'issuedAt'
    | 'expiresAt'
  >,
): Command {
  const step: CommandStep = { at: wanted.issuedAt, state: 'pending', by: wanted.issuedBy };
  return { ...wanted, state: 'pending', attempts: 0, history: [step] };
}

/**
 * The command after an event: the same object where the event changes nothing, so that an event told twice
 * (a log that is read again after a crash) does no more than once.
 */
export function advance(command: Command, event: CommandEvent): Command {
  switch (event.kind) {
    case 'sent':
      if (!isDeliverable(command, event.at)) return command;
      return { ...command, attempts: command.attempts + 1, through: event.through };
    case 'withheld':
      if (!isUnanswered(command) || command.attempts === 0) return command;
      return {
        ...command,
        attempts: command.attempts - 1,
        through: command.attempts === 1 ? undefined : command.through,
      };
    case 'confirmed':
      return command.state === 'pending'
        ? step(command, 'delivered', event.at, event.through ?? 'device')
        : command;
    case 'answered':
      return answered(command, event.answer, event.verifyMs);
    case 'shown':
      return command.state === 'acknowledged'
        ? finish(command, 'done', event.at, 'device', event.why)
        : command;
    case 'time':
      return passTime(command, event.at);
    case 'cancelled':
      if (!isUnanswered(command)) return command;
      return finish(command, 'cancelled', event.at, event.by, mayHaveRun(command));
    case 'gone': {
      if (isFinished(command)) return command;
      const run = mayHaveRun(command);
      const why = run === undefined ? event.why : `${event.why}; ${run}`;
      return finish(command, 'cancelled', event.at, event.by, why);
    }
  }
}

/** When time alone changes the command; undefined when it is finished. */
export function deadlineOf(command: Command): number | undefined {
  if (command.state === 'acknowledged') return command.verifyBy;
  if (!isUnanswered(command)) return undefined;
  return command.attempts > 0 ? command.expiresAt + answerGraceMs : command.expiresAt;
}

export function isFinished({ state }: Command): boolean {
  return state === 'done' || state === 'failed' || state === 'expired' || state === 'cancelled';
}

/** Whether it may be sent to the device, again where it was sent before. */
export function isDeliverable(command: Command, at: number): boolean {
  return isUnanswered(command) && at < command.expiresAt;
}

function isUnanswered({ state }: Command): boolean {
  return state === 'pending' || state === 'delivered';
}

function answered(command: Command, answer: CommandAnswer, verifyMs: number | undefined): Command {
  if (!isUnanswered(command)) return withLateAnswer(command, answer);
  const { at, ok, through: by = 'device' } = answer;
  const known = { ...command, answer };
  if (!ok) return finish(known, 'failed', at, by, answer.result ?? 'no reason given', 'refused');
  const acknowledged = step(known, 'acknowledged', at, by, answer.result);
  if (verifyMs === undefined) return finish(acknowledged, 'done', at, by);
  return { ...acknowledged, verifyBy: at + verifyMs };
}

/** An answer to what was closed without one: it changes nothing, but it is known that the device acted. */
function withLateAnswer(command: Command, answer: CommandAnswer): Command {
  if (command.answer !== undefined) return command;
  const why = `answered too late: ${answer.ok ? 'it was done' : `refused, ${answer.result ?? 'no reason given'}`}`;
  return step({ ...command, answer }, command.state, answer.at, answer.through ?? 'device', why);
}

function passTime(command: Command, at: number): Command {
  const deadline = deadlineOf(command);
  if (deadline === undefined || at < deadline) return command;
  if (command.state === 'pending') {
    const why = mayHaveRun(command) ?? 'the device did not connect in time';
    return finish(command, 'expired', at, 'clock', why);
  }
  if (command.state === 'delivered') {
    return finish(command, 'failed', at, 'clock', 'the device did not answer', 'not_acknowledged');
  }
  return finish(command, 'failed', at, 'clock', 'the reported state does not show it', 'not_shown');
}

function mayHaveRun({ state, attempts }: Command): string | undefined {
  if (state === 'delivered') return 'the device has it and may act on it';
  return attempts > 0 ? `sent ${attempts} times, never confirmed: the device may have it` : undefined;
}

function step(command: Command, state: CommandState, at: number, by: string, why?: string): Command {
  return {
    ...command,
    state,
    history: [...command.history, { at, state, by, ...(why === undefined ? {} : { why }) }],
  };
}

function finish(
  command: Command,
  state: CommandState,
  at: number,
  by: string,
  why?: string,
  failure?: CommandFailure,
): Command {
  const finished = { ...step(command, state, at, by, why), finishedAt: at };
  return failure === undefined ? finished : { ...finished, failure };
}

/** What goes to the device on its `cmd` topic. */
export function formatCommand({ id, action, args, expiresAt }: Command): string {
  return JSON.stringify({ id, action, args, expires: expiresAt });
}

/** What a device finds on its `cmd` topic. `expires` is pipeline time, epoch ms. */
export const commandMessage = z.object({
  id: z.string().min(1).max(128),
  action: z.string().min(1),
  args: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  expires: z.number(),
});

/** What a device publishes on its `ack` topic. */
export const ackMessage = z.object({
  id: z.string().min(1).max(128),
  ok: z.boolean(),
  result: z.unknown().optional(),
});

const resultLength = 500;

/** The result in an answer as text, shortened; undefined where there is none. */
export function resultText(result: unknown): string | undefined {
  if (result === undefined || result === null) return undefined;
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return text.length > resultLength ? `${text.slice(0, resultLength)}…` : text;
}
