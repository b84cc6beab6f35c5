import { z } from 'zod';
import type { DeviceClass } from './device-class.js';
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
export type RejectReason =
  | 'not_json'
  | 'wrong_shape'
  | 'unknown_metric'
  | 'out_of_range'
  | 'clock_ahead'
  | 'clock_behind'
  | 'ts_in_seconds'
  | 'same_timestamp'
  | 'payload_too_large'
  | 'not_own_topic'
  | 'unknown_device'
  | 'unknown_command'
  | 'influx_refused';

export interface Rejection {
  readonly reason: RejectReason;
  /** One sentence for a person: what is wrong and where. */
  readonly detail: string;
}

const metricSchema = (metric: Metric): z.ZodType<MetricValue> =>
  metric.kind === 'number' ? z.number().min(metric.min).max(metric.max) : z.enum(metric.words);

function readingSchema(deviceClass: DeviceClass) {
  const metrics = z.strictObject(
    Object.fromEntries(Object.entries(metricsOf[deviceClass]).map(([name, m]) => [name, metricSchema(m).optional()])),
  );
  return z.strictObject({
    ts: z.int(),
    seq: z.int().min(0).optional(),
    boot: z.string().min(1).max(64).optional(),
    m: metrics.default({}),
    parts: z.record(z.string().regex(/^[A-Za-z0-9._-]{1,32}$/), metrics).optional(),
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
  if (!result.success) return describeIssue(deviceClass, decoded, result.error.issues[0]);
  const reading = result.data as Reading;
  if (Math.abs(reading.ts) < secondsBelow) {
    return { reason: 'ts_in_seconds', detail: `ts ${reading.ts} looks like seconds; it must be milliseconds` };
  }
  if (isEmpty(reading)) return { reason: 'wrong_shape', detail: 'the reading has no metrics: "m" and "parts" are empty' };
  return reading;
}

export function isRejection(result: Reading | Rejection): result is Rejection {
  return 'reason' in result;
}

function isEmpty(reading: Reading): boolean {
  for (const _ in reading.m) return false;
  return Object.values(reading.parts ?? {}).every((part) => Object.keys(part).length === 0);
}

function describeIssue(deviceClass: DeviceClass, decoded: unknown, issue: z.core.$ZodIssue | undefined): Rejection {
  if (issue === undefined) return { reason: 'wrong_shape', detail: 'not a reading' };
  const path = issue.path.map(String);
  const inMetrics = path[0] === 'm' || path[0] === 'parts';
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key.slice(0, 64)}"`).join(', ');
    return inMetrics
      ? { reason: 'unknown_metric', detail: `a ${deviceClass} has no metric ${names}` }
      : { reason: 'wrong_shape', detail: `a reading has no field ${names} (only ts, seq, boot, m, parts)` };
  }
  if (inMetrics && (issue.code === 'too_big' || issue.code === 'too_small')) {
    const metric = metricsOf[deviceClass][path.at(-1) ?? ''];
    const range = metric?.kind === 'number' ? `${metric.min} to ${metric.max} ${metric.unit}`.trimEnd() : '';
    return { reason: 'out_of_range', detail: `${path.join('.')} is ${valueAt(decoded, path)}, outside ${range}` };
  }
  return { reason: 'wrong_shape', detail: `${path.join('.') || 'the reading'}: ${issue.message}` };
}

function valueAt(decoded: unknown, path: readonly string[]): string {
  let value = decoded;
  for (const key of path) value = (value as Record<string, unknown> | undefined)?.[key];
  return String(value).slice(0, 64);
}
