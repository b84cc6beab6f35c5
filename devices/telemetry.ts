import { z } from 'zod';
import type { DeviceClass } from './device-class.js';
import { issueWords } from './issue-words.js';
import { metricsOf } from './metric.js';
import type { Metric } from './metric.js';

export type MetricValue = number | string;

/** One set of metrics a device measured at one time; the validated form of one telemetry object. */
export interface Reading {
  /** Event time, epoch ms by the device's clock. */
  readonly ts: number;
  /** Counts up by one per reading since boot; with `boot` it shows losses and repeats. */
  readonly seq?: number | undefined;
  /** Changes whenever the device starts. */
  readonly boot?: string | undefined;
  readonly m: Readonly<Record<string, MetricValue>>;
  /** Metrics of the device's parts (radios, ports), by part. */
  readonly parts?: Readonly<Record<string, Readonly<Record<string, MetricValue>>>> | undefined;
}

/** Why something a device sent could not be understood; also the label of the quarantine counters. */
export const rejectReasons = [
  'not_json',
  'not_protobuf',
  'wrong_shape',
  'unknown_metric',
  'out_of_range',
  'clock_ahead',
  'clock_behind',
  'ts_in_seconds',
  'same_timestamp',
  'payload_too_large',
  'not_own_topic',
  'unknown_device',
  'unknown_command',
  'unknown_profile',
  'unknown_alias',
  'retained_without_time',
  'profile_failed',
  'influx_refused',
  'internal_error',
  'too_many_series',
] as const;
export type RejectReason = (typeof rejectReasons)[number];

export interface Rejection {
  readonly reason: RejectReason;
  /** One sentence for a person: what is wrong and where. */
  readonly detail: string;
}

/**
 * Checks a set of metrics. One check over the metrics that are there costs a third of a schema with a field
 * for every metric there could be, and most devices send a few.
 */
function metricsSchema(deviceClass: DeviceClass) {
  const known = new Map(Object.entries(metricsOf[deviceClass]));
  return z.unknown().check((context) => {
    const problem = findProblem(deviceClass, known, context.value);
    if (problem === undefined) return;
    const { name, reason, detail } = problem;
    const path = name === undefined ? [] : [name];
    context.issues.push({ code: 'custom', input: context.value, path, message: detail, params: { reason } });
  });
}

interface MetricProblem extends Rejection {
  readonly name?: string;
}

function findProblem(
  deviceClass: DeviceClass,
  known: ReadonlyMap<string, Metric>,
  metrics: unknown,
): MetricProblem | undefined {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) {
    return { reason: 'wrong_shape', detail: 'must be an object of metrics' };
  }
  for (const name in metrics) {
    const value = (metrics as Record<string, unknown>)[name];
    const metric = known.get(name);
    if (metric === undefined) {
      return { reason: 'unknown_metric', detail: `a ${deviceClass} has no metric "${name.slice(0, 64)}"` };
    }
    if (metric.kind === 'number') {
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        return { name, reason: 'wrong_shape', detail: 'must be a finite number' };
      }
      if (value < metric.min || value > metric.max) {
        const range = `${metric.min} to ${metric.max} ${metric.unit}`.trimEnd();
        return { name, reason: 'out_of_range', detail: `is ${value}, outside ${range}` };
      }
    } else if (typeof value !== 'string' || !metric.words.includes(value)) {
      return { name, reason: 'wrong_shape', detail: `must be one of ${metric.words.join(', ')}` };
    }
  }
  return undefined;
}

/** A part's name is a tag in InfluxDB and a word in alarm ids. */
const partPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/** Checked by hand, like metrics: a record schema passes over a part named `__proto__` without a word. */
function partsSchema(deviceClass: DeviceClass) {
  const known = new Map(Object.entries(metricsOf[deviceClass]));
  return z.unknown().check((context) => {
    const parts = context.value;
    const complain = (path: string[], { reason, detail }: Rejection) =>
      context.issues.push({ code: 'custom', input: parts, path, message: detail, params: { reason } });
    if (typeof parts !== 'object' || parts === null || Array.isArray(parts)) {
      complain([], { reason: 'wrong_shape', detail: 'must be an object of parts' });
      return;
    }
    for (const part in parts) {
      const metrics = (parts as Record<string, unknown>)[part];
      const problem = partPattern.test(part)
        ? findProblem(deviceClass, known, metrics)
        : ({ reason: 'wrong_shape', detail: 'is no name of a part' } as const);
      if (problem === undefined) continue;
      complain([part.slice(0, 64), ...('name' in problem ? [problem.name ?? ''] : [])], problem);
      return;
    }
  });
}

function readingSchema(deviceClass: DeviceClass) {
  const metrics = metricsSchema(deviceClass);
  return z.strictObject({
    ts: z.int(),
    seq: z.int().min(0).optional(),
    boot: z.string().min(1).max(64).optional(),
    m: metrics.default({}),
    parts: partsSchema(deviceClass).optional(),
  });
}

const schemas: Readonly<Record<DeviceClass, z.ZodType>> = {
  sensor: readingSchema('sensor'),
  whiteboard: readingSchema('whiteboard'),
  ap: readingSchema('ap'),
  gateway: readingSchema('gateway'),
};

/** Before 1973 in milliseconds, after 2001 in seconds: no device of ours means the former. */
const secondsBelow = 100_000_000_000;

/**
 * Checks one decoded telemetry object against the metrics of its class. Whether its time is plausible
 * is not judged here: that needs the arrival time.
 */
export function checkReading(deviceClass: DeviceClass, decoded: unknown): Reading | Rejection {
  const result = schemas[deviceClass].safeParse(decoded);
  if (!result.success) return describeIssue(result.error.issues[0]);
  const reading = result.data as Reading;
  if (Math.abs(reading.ts) < secondsBelow) {
    return {
      reason: 'ts_in_seconds',
      detail: `ts ${reading.ts} looks like seconds; it must be milliseconds`,
    };
  }
  if (isEmpty(reading))
    return { reason: 'wrong_shape', detail: 'the reading has no metrics: "m" and "parts" are empty' };
  return reading;
}

export function isRejection(result: Reading | Rejection): result is Rejection {
  return 'reason' in result;
}

function isEmpty(reading: Reading): boolean {
  for (const _ in reading.m) return false;
  return Object.values(reading.parts ?? {}).every((part) => Object.keys(part).length === 0);
}

function describeIssue(issue: z.core.$ZodIssue | undefined): Rejection {
  if (issue === undefined) return { reason: 'wrong_shape', detail: 'not a reading' };
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key.slice(0, 64)}"`).join(', ');
    return {
      reason: 'wrong_shape',
      detail: `a reading has no field ${names} (only ts, seq, boot, m, parts)`,
    };
  }
  const where = issue.path.map(String).join('.');
  const reason = issue.code === 'custom' ? (issue.params?.['reason'] as RejectReason) : 'wrong_shape';
  if (reason === 'unknown_metric') return { reason, detail: issue.message };
  return { reason, detail: `${where || 'the reading'} ${issueWords(issue)}` };
}
