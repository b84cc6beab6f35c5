import type { Expectation } from './action.js';
import type { Command } from './command.js';
import type { StatePath } from './state-key.js';
import { formatStateKey, parseStateKey } from './state-key.js';
import type { MetricValue, Reading } from './telemetry.js';

/** A value a device reported. */
export interface ReportedValue {
  readonly value: MetricValue;
  /** When, by the device's clock, epoch ms. */
  readonly ts: number;
  /** When it arrived, pipeline time, epoch ms. */
  readonly at: number;
}

/** The last values of a device or of one of its parts. */
export interface ReportedMetrics {
  /** Of the newest reading. */
  readonly ts: number;
  readonly at: number;
  readonly m: Readonly<Record<string, MetricValue>>;
  /** What the newest reading did not hold. */
  readonly older?: Readonly<Record<string, ReportedValue>> | undefined;
}

/** What a device last reported, as it is kept. */
export interface ReportedState {
  readonly own?: ReportedMetrics | undefined;
  readonly parts?: Readonly<Record<string, ReportedMetrics>> | undefined;
  /** Its present boot id; `since`: when the first reading with it arrived, absent where no other came before it. */
  readonly boot?:
    { readonly id: string; readonly ts: number; readonly since?: number | undefined } | undefined;
  readonly state?: ReportedNotice | undefined;
  readonly meta?: ReportedNotice | undefined;
  /** Which of the devices that had the id one after the other reported it; absent until that was looked up. */
  readonly removals?: number | undefined;
}

export interface ReportedNotice {
  readonly at: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What somebody wants a device's state to be, until it is changed or taken back. */
export interface DesiredValue {
  readonly value: MetricValue;
  readonly at: number;
  readonly by: string;
  /** The command that was to bring it about. */
  readonly command?: string | undefined;
}

/** A difference between what is wanted and what is reported. */
export interface TwinDelta {
  readonly key: string;
  readonly desired: MetricValue;
  /** Absent where the device never reported it. */
  readonly reported?: MetricValue | undefined;
}

/**
 * Takes a reading into what is known of its device. Readings may come in any order and more than once: the
 * newest by the device's own clock counts.
 */
export function takeReading(known: ReportedState, reading: Reading, at: number): ReportedState {
  const { ts, m, parts: newParts, boot: bootId } = reading;
  let { own, parts, boot } = known;
  if (isFilled(m)) own = merge(own, m, ts, at);
  if (newParts !== undefined) {
    const merged = { ...parts };
    for (const [name, metrics] of Object.entries(newParts))
      merged[name] = merge(merged[name], metrics, ts, at);
    parts = merged;
  }
  if (bootId !== undefined && ts >= (boot?.ts ?? -Infinity)) {
    if (boot === undefined) boot = { id: bootId, ts };
    else boot = { id: bootId, ts, since: boot.id === bootId ? boot.since : at };
  }
  return { own, parts, boot, state: known.state, meta: known.meta, removals: known.removals };
}

/** Takes what a device said of itself. */
export function takeNotice(
  known: ReportedState,
  stream: 'state' | 'meta',
  notice: ReportedNotice,
): ReportedState {
  return { ...known, [stream]: notice };
}

/** Whether this is what the present device of the id reported, and not one that had the id before. */
export function isReportedBy(removals: number, { removals: then }: ReportedState): boolean {
  return then === undefined || then === removals;
}

/** The last reported value; undefined where there is none. */
export function reportedValue(reported: ReportedState, path: StatePath): ReportedValue | undefined {
  if (path.of === 'meta') {
    const { meta } = reported;
    const value = meta?.body[path.name];
    if (meta === undefined || (typeof value !== 'string' && typeof value !== 'number')) return undefined;
    return { value, ts: meta.at, at: meta.at };
  }
  const metrics = path.of === 'device' ? reported.own : reported.parts?.[path.part];
  if (metrics === undefined) return undefined;
  const value = Object.hasOwn(metrics.m, path.name) ? metrics.m[path.name] : undefined;
  if (value !== undefined) return { value, ts: metrics.ts, at: metrics.at };
  return metrics.older?.[path.name];
}

/** A device's clock may be so far behind ours; what it measured earlier than that is no proof of anything new. */
const clockToleranceMs = 60_000;
/** An uptime is whole seconds, and was true a moment ago. */
const uptimeToleranceMs = 5000;

/**
 * Whether the reported state shows that a command worked: returns what shows it, in a few words, or undefined.
 */
export function findProof(
  reported: ReportedState,
  expected: Expectation,
  command: Command,
): string | undefined {
  const { issuedAt, answer } = command;
  const isProof = (value: ReportedValue, since: number) =>
    value.at >= since && value.ts >= since - clockToleranceMs;
  switch (expected.shows) {
    case 'value': {
      const found = reportedValue(reported, expected.path);
      const since = expected.after === 'issue' ? issuedAt : (answer?.at ?? Infinity);
      if (found === undefined || !isProof(found, since) || !expected.among.includes(found.value))
        return undefined;
      return `${formatStateKey(expected.path)} is ${found.value}`;
    }
    case 'restart': {
      const { boot } = reported;
      if (boot?.since !== undefined && boot.since >= issuedAt) return `boot id is ${boot.id}`;
      const uptime = reportedValue(reported, { of: 'device', name: 'uptime_s' });
      if (uptime === undefined || !isProof(uptime, issuedAt)) return undefined;
      const startedAt = uptime.at - Number(uptime.value) * 1000;
      return startedAt >= issuedAt - uptimeToleranceMs ? `uptime is ${uptime.value} s` : undefined;
    }
    case 'reading': {
      const newest = [reported.own, ...Object.values(reported.parts ?? {})];
      const isNew = newest.some(
        (metrics) => metrics !== undefined && isProof({ value: 0, ...metrics }, issuedAt),
      );
      return isNew ? 'it reported' : undefined;
    }
  }
}

/** What is wanted and not (yet) reported so. */
export function deltaOf(
  desired: Readonly<Record<string, Pick<DesiredValue, 'value'>>>,
  reported: ReportedState,
): TwinDelta[] {
  return Object.entries(desired).flatMap(([key, { value }]) => {
    const path = parseStateKey(key);
    const found = path === undefined ? undefined : reportedValue(reported, path)?.value;
    if (found === value) return [];
    return [{ key, desired: value, ...(found === undefined ? {} : { reported: found }) }];
  });
}

function isFilled(metrics: object): boolean {
  for (const name in metrics) return name !== '';
  return false;
}

function merge(
  known: ReportedMetrics | undefined,
  m: Readonly<Record<string, MetricValue>>,
  ts: number,
  at: number,
): ReportedMetrics {
  if (known === undefined) return { ts, at, m };
  let older: Record<string, ReportedValue> | undefined;
  if (ts < known.ts) {
    // A backlog: of use only for what nothing newer is known of.
    for (const name in m) {
      const value = m[name];
      if (value === undefined || name in known.m || (known.older?.[name]?.ts ?? -Infinity) > ts) continue;
      older ??= { ...known.older };
      older[name] = { value, ts, at };
    }
    return older === undefined ? known : { ...known, older };
  }
  for (const name in known.m) {
    const value = known.m[name];
    if (value === undefined || m[name] !== undefined) continue;
    older ??= {};
    older[name] = { value, ts: known.ts, at: known.at };
  }
  if (known.older !== undefined) {
    for (const [name, value] of Object.entries(known.older)) {
      if (m[name] !== undefined) continue;
      older ??= {};
      older[name] = value;
    }
  }
  return older === undefined ? { ts, at, m } : { ts, at, m, older };
}
