import { z } from 'zod';
import { ackMessage, resultText } from './command.js';
import { longestIntervalS } from './device.js';
import { issueWords } from './issue-words.js';
import type { Rejection } from './telemetry.js';

/** What a device says beside its readings: its state, its description, an event, an answer to a command. */
export type Notice =
  | { readonly stream: 'state' | 'meta'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly stream: 'event'; readonly ts: number; readonly type: string; readonly detail: string }
  | AckNotice;

/** An answer to a command; whether that was ever issued is for those to say who can ask. */
export interface AckNotice {
  readonly stream: 'ack';
  readonly id: string;
  readonly ok: boolean;
  /** As the device sent it, shortened. */
  readonly result?: string | undefined;
}

const schemas = {
  state: z.looseObject({ s: z.enum(['online', 'offline', 'sleeping']), ts: z.int() }),
  meta: z.looseObject({
    model: z.string().max(128).optional(),
    firmware: z.string().max(128).optional(),
    interval_s: z.number().positive().max(longestIntervalS).optional(),
  }),
  event: z.looseObject({ ts: z.int(), e: z.string().min(1).max(64) }),
};

/** Levels of objects and arrays in each other. */
const mostLevels = 16;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

/** Checks the decoded payload of a stream that holds no readings. */
export function checkNotice(stream: Notice['stream'], decoded: unknown): Notice | Rejection {
  // JSON can be read at any depth, but not be written again.
  if (isDeeper(decoded, mostLevels)) {
    return { reason: 'wrong_shape', detail: `${stream}: nested deeper than ${mostLevels} levels` };
  }
  if (stream === 'ack') {
    const checked = ackMessage.safeParse(decoded);
    if (!checked.success) return describeIssue(stream, checked.error);
    const { id, ok, result } = checked.data;
    return { stream, id, ok, result: resultText(result) };
  }
  if (stream !== 'event') {
    const checked = schemas[stream].safeParse(decoded);
    return checked.success ? { stream, body: checked.data } : describeIssue(stream, checked.error);
  }
  const checked = schemas.event.safeParse(decoded);
  if (!checked.success) return describeIssue(stream, checked.error);
  const { ts, e, ...rest } = checked.data;
  return { stream, ts, type: e, detail: JSON.stringify(rest) };
}

function describeIssue(stream: string, error: z.ZodError): Rejection {
  const issue = error.issues[0];
  const where = issue?.path.join('.') || 'the message';
  const detail = `${stream}: ${where} ${issue === undefined ? 'is wrong' : issueWords(issue)}`;
  return { reason: 'wrong_shape', detail };
}
