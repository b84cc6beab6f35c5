import { z } from 'zod';
import { checkReading, isRejection } from '../../devices/telemetry.js';
import type { Reading, RejectReason, Rejection } from '../../devices/telemetry.js';
import { parseTopic } from '../../devices/topic.js';
import type { DeviceTopic } from '../../devices/topic.js';
import { payloadText } from '../log/frame.js';
import type { LogRecord, MessageRecord } from '../log/frame.js';
import type { Decoded, DecodedRejection, SequenceNumber, Source } from './decoded.js';

/** How far a reading's time may be from its arrival, in ms. */
export interface TimeLimits {
  readonly latenessMs: number;
  readonly futureMs: number;
  readonly maxAgeMs: number;
}

/**
 * Turns a record of the log into what it means: readings, a notice, or rejections with their reason. Depends
 * on nothing but the record, so whoever decodes it again comes to the same result.
 */
export function createDecoder(limits: TimeLimits): (record: LogRecord) => readonly Decoded[] {
  const topics = new Map<string, DeviceTopic | { readonly wrong: string }>();
  const topicOf = (text: string) => {
    let topic = topics.get(text);
    if (topic === undefined) {
      if (topics.size > 100_000) topics.clear(); // foreign topics could be endless
      topic = parseTopic(text);
      topics.set(text, topic);
    }
    return topic;
  };
  return (record) => {
    if (record.kind !== 'message') return [record];
    return decodeMessage(record, topicOf(record.topic), limits);
  };
}

/** Wrong elements of one array that are quarantined one by one, each with its own reason. */
const mostRejectionsApart = 100;

const stateSchema = z.looseObject({ s: z.enum(['online', 'offline', 'sleeping']), ts: z.int() });
const metaSchema = z.looseObject({
  model: z.string().max(128).optional(),
  firmware: z.string().max(128).optional(),
  interval_s: z.number().positive().optional(),
});
const eventSchema = z.looseObject({ ts: z.int(), e: z.string().min(1).max(64) });

function decodeMessage(
  message: MessageRecord,
  topic: DeviceTopic | { readonly wrong: string },
  limits: TimeLimits,
): readonly Decoded[] {
  const reject = (reason: RejectReason, detail: string): readonly Decoded[] => [
    { kind: 'rejection', source: { message }, rejection: { reason, detail } },
  ];
  if (message.foreignTopic === true) {
    const detail =
      'wrong' in topic ? topic.wrong : `topic "${message.topic}" does not belong to "${message.client}"`;
    return reject('not_own_topic', detail);
  }
  if ('wrong' in topic) return reject('not_own_topic', topic.wrong);
  if (message.cutFrom !== undefined) {
    return reject(
      'payload_too_large',
      `the payload has ${message.cutFrom} bytes; only its first bytes are kept`,
    );
  }
  let body: unknown;
  try {
    body = JSON.parse(payloadText(message));
  } catch (error) {
    return reject(
      'not_json',
      message.payload.length === 0 ? 'the payload is empty' : (error as Error).message,
    );
  }
  if (topic.stream === 'telemetry') return decodeTelemetry(message, topic, body, limits);
  return decodeNotice(message, topic, body, reject);
}

function decodeTelemetry(
  message: MessageRecord,
  topic: DeviceTopic,
  body: unknown,
  limits: TimeLimits,
): readonly Decoded[] {
  if (!Array.isArray(body)) return [decodeReading({ message }, topic, body, limits)];
  if (message.index !== undefined) {
    return [decodeReading({ message, index: message.index }, topic, body[message.index], limits)];
  }
  if (body.length === 0) {
    return [
      {
        kind: 'rejection',
        source: { message },
        rejection: { reason: 'wrong_shape', detail: 'the array is empty' },
      },
    ];
  }
  const decoded = body.map((element, index) => decodeReading({ message, index }, topic, element, limits));
  return gatherRejections(message, decoded);
}

/**
 * An array of rubbish must not become a hundred thousand items in quarantine: beyond a number, what is wrong
 * in one message is kept as one item.
 */
function gatherRejections(message: MessageRecord, decoded: readonly Decoded[]): readonly Decoded[] {
  const rejected = decoded.filter((item) => item.kind === 'rejection');
  const first = rejected[0];
  if (first === undefined || rejected.length <= mostRejectionsApart) return decoded;
  const { reason, detail } = first.rejection;
  const together: DecodedRejection = {
    kind: 'rejection',
    source: { message, indexes: rejected.map(({ source }) => source.index ?? 0) },
    rejection: {
      reason,
      detail: `${rejected.length} of ${decoded.length} elements are wrong; [${first.source.index}]: ${detail}`,
    },
    numbers: rejected.map(({ number }) => number),
  };
  return [...decoded.filter((item) => item.kind !== 'rejection'), together];
}

function decodeReading(source: Source, topic: DeviceTopic, body: unknown, limits: TimeLimits): Decoded {
  const checked = checkReading(topic.deviceClass, body);
  const outcome = isRejection(checked)
    ? checked
    : (implausibleTime(checked, source.message.arrivedAt, limits) ?? checked);
  if (isRejection(outcome)) return { kind: 'rejection', source, rejection: outcome, number: numberOf(body) };
  const late = source.message.replayed === true || source.message.arrivedAt - outcome.ts > limits.latenessMs;
  return { kind: 'reading', source, topic, reading: outcome, late };
}

function numberOf(body: unknown): SequenceNumber | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { seq, boot = '' } = body as { seq?: unknown; boot?: unknown };
  if (!Number.isSafeInteger(seq) || (seq as number) < 0 || typeof boot !== 'string' || boot.length > 64)
    return undefined;
  return { boot, seq: seq as number };
}

function implausibleTime(reading: Reading, arrivedAt: number, limits: TimeLimits): Rejection | undefined {
  const aheadMs = reading.ts - arrivedAt;
  if (aheadMs > limits.futureMs) {
    return {
      reason: 'clock_ahead',
      detail: `ts is ${Math.round(aheadMs / 1000)} s ahead of the arrival: the device's clock is wrong`,
    };
  }
  if (-aheadMs > limits.maxAgeMs) {
    const days = Math.round(-aheadMs / 86_400_000);
    return {
      reason: 'clock_behind',
      detail: `ts is ${days} days before the arrival: the device's clock is wrong`,
    };
  }
  return undefined;
}

function decodeNotice(
  message: MessageRecord,
  topic: DeviceTopic,
  body: unknown,
  reject: (reason: RejectReason, detail: string) => readonly Decoded[],
): readonly Decoded[] {
  const wrong = (error: z.ZodError) => {
    const issue = error.issues[0];
    return reject(
      'wrong_shape',
      `${topic.stream}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    );
  };
  const source = { message };
  switch (topic.stream) {
    case 'state':
    case 'meta': {
      const checked = (topic.stream === 'state' ? stateSchema : metaSchema).safeParse(body);
      if (!checked.success) return wrong(checked.error);
      return [{ kind: 'notice', source, topic, notice: { stream: topic.stream, body: checked.data } }];
    }
    case 'event': {
      const checked = eventSchema.safeParse(body);
      if (!checked.success) return wrong(checked.error);
      const { ts, e, ...rest } = checked.data;
      return [
        {
          kind: 'notice',
          source,
          topic,
          notice: { stream: 'event', ts, type: e, detail: JSON.stringify(rest) },
        },
      ];
    }
    case 'ack':
      return reject('unknown_command', 'no command with this id was sent');
    case 'telemetry':
      throw new Error('telemetry is no notice');
  }
}
