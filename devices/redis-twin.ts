import { AppError } from '../runtime/app-error.js';
import type { Redis } from '../runtime/redis-connection.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import { actionThatSets, checkAction, isActionProblem, settableKeys } from './action-check.js';
import type { Arguments } from './action.js';
import type { Command } from './command.js';
import { didYouMean } from './did-you-mean.js';
import type { Presence } from './presence.js';
import type { Contact } from './contact.js';
import { queueAudit } from './redis-audit.js';
import { openCommands } from './redis-command-list.js';
import { readPresence } from './redis-presence.js';
import { unknownDevice } from './redis-commands.js';
import { findDevice, readRemovals } from './redis-registry.js';
import { shardOf } from './site.js';
import type { Device } from './device.js';
import { parseStateKey } from './state-key.js';
import type { MetricValue } from './telemetry.js';
import { deltaOf, isReportedBy, reportedValue } from './twin.js';
import type { DesiredValue, ReportedState, TwinDelta } from './twin.js';

/** Everything that is known of one device. */
export interface Twin {
  readonly device: Device;
  readonly presence: Presence;
  /** Absent where no broker has seen a connection of it. */
  readonly contact?: Contact | undefined;
  /** A few seconds old at most. */
  readonly reported: ReportedState;
  /** By state key. */
  readonly desired: Readonly<Record<string, DesiredValue>>;
  readonly delta: readonly TwinDelta[];
  /** Open commands, oldest first. */
  readonly commands: readonly Command[];
}

/** @throws AppError `unknown_device` */
export async function readTwin(redis: Redis, id: string): Promise<Twin> {
  const device = await findDevice(redis, id);
  if (device === undefined) throw await unknownDevice(redis, id);
  const shards = await readShardCount(redis);
  const [reportedJson, removals, presence, wanted, commands] = await Promise.all([
    shards === 0 ? null : redis.hget(redisKeys.twins(shardOf(device.site, shards)), `d/${id}`),
    readRemovals(redis, [id]),
    readPresence(redis, device),
    redis.hgetall(redisKeys.desired(id)),
    openCommands(redis, id),
  ]);
  const kept = reportedJson === null ? {} : (JSON.parse(reportedJson) as ReportedState);
  // The ingest forgets a predecessor's when it hears of the change, which may be later.
  const reported = isReportedBy(removals[0] ?? 0, kept) ? { ...kept, removals: undefined } : {};
  const desired = Object.fromEntries(
    Object.entries(wanted).map(([key, json]) => [key, JSON.parse(json) as DesiredValue]),
  );
  return { device, ...presence, reported, desired, delta: deltaOf(desired, reported), commands };
}

/** What it takes to bring a wanted state about. */
export type WantedState =
  | { readonly kind: 'reported'; readonly value: MetricValue }
  | {
      readonly kind: 'differs';
      readonly value: MetricValue;
      readonly action: string;
      readonly args: Arguments;
    };

/**
 * Finds the action that gives a device the state, or that it reports it already.
 * @throws AppError `unknown_state`, `wrong_argument`
 */
export function planState({ device, reported }: Twin, key: string, value: MetricValue): WantedState {
  const path = parseStateKey(key);
  const way = path && actionThatSets(device.deviceClass, path, value);
  if (path === undefined || way === undefined) {
    const known = settableKeys(device.deviceClass);
    throw new AppError(
      'unknown_state',
      `Class ${device.deviceClass} has no state "${key}" that can be set. It has: ${known.join(', ')}.`,
    );
  }
  const checked = checkAction(device.deviceClass, way.name, way.args);
  if (isActionProblem(checked)) throw new AppError(checked.code, checked.message);
  if (reportedValue(reported, path)?.value === value) return { kind: 'reported', value };
  return { kind: 'differs', value, action: way.name, args: checked.args };
}

/** Keeps what somebody wants to be so; nothing is sent. */
export async function keepDesired(
  redis: Redis,
  device: string,
  key: string,
  desired: DesiredValue,
): Promise<void> {
  const before = await redis.hget(redisKeys.desired(device), key);
  const { at, by, value } = desired;
  const multi = redis.multi().hset(redisKeys.desired(device), key, JSON.stringify(desired));
  const event = { at, by, what: 'desired.set', id: key, device, after: value } as const;
  const results = await queueAudit(multi, [{ ...event, before: valueOf(before) }]).exec();
  for (const [error] of results ?? []) if (error !== null) throw error;
}

/**
 * Takes a wanted state back; the device stays as it is.
 * @throws AppError `not_desired`
 */
export async function forgetDesired(
  redis: Redis,
  device: string,
  key: string,
  who: { readonly by: string; readonly at: number },
): Promise<void> {
  const before = await redis.hget(redisKeys.desired(device), key);
  if (before === null) {
    const meant = didYouMean(key, await redis.hkeys(redisKeys.desired(device)));
    throw new AppError('not_desired', `Nobody wants "${key}" of device "${device}" to be anything.${meant}`);
  }
  const event = { ...who, what: 'desired.unset', id: key, device, before: valueOf(before) } as const;
  const results = await queueAudit(redis.multi().hdel(redisKeys.desired(device), key), [event]).exec();
  for (const [error] of results ?? []) if (error !== null) throw error;
}

function valueOf(json: string | null): MetricValue | undefined {
  return json === null ? undefined : (JSON.parse(json) as DesiredValue).value;
}
