import { randomBytes } from 'node:crypto';
import { requestApproval, replaceRecord } from '../../devices/redis-approvals.js';
import { changeCommand } from '../../devices/redis-commands.js';
import { findCommands } from '../../devices/redis-command-list.js';
import { readRemovals } from '../../devices/redis-registry.js';
import { didYouMean } from '../../devices/did-you-mean.js';
import type { AuditEvent } from '../../devices/audit.js';
import type { Device } from '../../devices/device.js';
import { isFinished } from '../../devices/command.js';
import { isRolloutOver, rolloutCommandId, wavesOf } from '../../devices/rollout.js';
import type { Rollout, RolloutState, RolloutTarget } from '../../devices/rollout.js';
import { AppError } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import { errorsTooMany, standingOfWaves } from './rollout-step.js';
import type { DeviceOutcome, RolloutStanding } from './rollout-step.js';

const dayMs = 86_400_000;
const keptDays = 30;
const mostSteps = 50;

/** What to create a rollout from. */
export interface WantedRollout extends Pick<
  Rollout,
  | 'deviceClass'
  | 'action'
  | 'args'
  | 'errorShare'
  | 'commandMs'
  | 'createdBy'
  | 'expiresAt'
  | 'why'
  | 'overrides'
> {
  /** In the order in which they are to be told. */
  readonly devices: readonly Device[];
  readonly needsApproval: boolean;
}

/** The devices as a rollout freezes them. */
export async function freezeTargets(redis: Redis, devices: readonly Device[]): Promise<RolloutTarget[]> {
  const removals = await readRemovals(
    redis,
    devices.map(({ id }) => id),
  );
  return devices.map(({ id, site }, i) => ({ device: id, site, removals: removals[i] ?? 0 }));
}

/** Creates a rollout: it runs as soon as an alerts role sees it, and it is approved where it needs to be. */
export async function createRollout(redis: Redis, wanted: WantedRollout, now: number): Promise<Rollout> {
  const { devices, needsApproval, ...rest } = wanted;
  // BullMQ takes it for the id of its job, which must not be a number.
  const id = `r${randomBytes(4).toString('hex')}`;
  const targets = await freezeTargets(redis, devices);
  const { action, args, createdBy, expiresAt, why } = wanted;
  const state = needsApproval ? 'awaiting_approval' : 'running';
  const rollout: Rollout = {
    ...rest,
    id,
    targets,
    waves: wavesOf(targets.length),
    createdAt: now,
    ...(needsApproval ? { approval: id } : {}),
    state,
    forgiven: 0,
    history: [{ at: now, by: createdBy, state }],
  };
  if (needsApproval) {
    const sites = targets.map(({ site }) => site);
    await requestApproval(
      redis,
      { id, action, args, targets, sites, rollout: id, why, requestedBy: createdBy, expiresAt },
      now,
    );
  }
  await redis.sadd(redisKeys.rolloutsActive, id);
  const event: AuditEvent = {
    at: now,
    by: createdBy,
    what: 'rollout.created',
    id,
    after: { ...rollout, history: undefined, targets: targets.map(({ device }) => device) },
  };
  await replaceRecord(redis, { key: redisKeys.rollouts, id, after: rollout, audit: [event] });
  await forgetOld(redis, now);
  return rollout;
}

/** @throws AppError `unknown_rollout` */
export async function findRollout(redis: Redis, id: string): Promise<Rollout> {
  return JSON.parse(await readRollout(redis, id)) as Rollout;
}

/** All that are remembered, newest first. */
export async function listRollouts(redis: Redis): Promise<Rollout[]> {
  const rows = await redis.hvals(redisKeys.rollouts);
  return rows.map((json) => JSON.parse(json) as Rollout).sort((a, b) => b.createdAt - a.createdAt);
}

/** The ids of those that a worker has to look after; what is over is taken out. */
export async function activeRollouts(redis: Redis): Promise<string[]> {
  const ids = await redis.smembers(redisKeys.rolloutsActive);
  const active: string[] = [];
  for (const id of ids) {
    const json = await redis.hget(redisKeys.rollouts, id);
    // One that is being created is not there yet; one that was forgotten does no harm.
    const rollout = json === null ? undefined : (JSON.parse(json) as Rollout);
    if (rollout !== undefined && isRolloutOver(rollout)) await redis.srem(redisKeys.rolloutsActive, id);
    if (rollout?.state === 'running' || rollout?.state === 'awaiting_approval') active.push(id);
  }
  return active;
}

const mayBecome: Readonly<Record<RolloutState, readonly RolloutState[]>> = {
  awaiting_approval: ['running', 'aborted', 'expired'],
  running: ['paused', 'done', 'stopped', 'aborted', 'expired'],
  paused: ['running', 'aborted', 'expired'],
  stopped: ['running', 'aborted', 'expired'],
  done: [],
  aborted: [],
  expired: [],
};

/**
 * Brings a rollout into another state. Resuming one that stopped because of errors forgives those it has.
 * @returns undefined where it can't come from the state that it is in
 */
export async function changeRollout(
  redis: Redis,
  id: string,
  to: RolloutState,
  { at, by, why }: { readonly at: number; readonly by: string; readonly why?: string | undefined },
): Promise<Rollout | undefined> {
  for (;;) {
    const before = await readRollout(redis, id);
    const rollout = JSON.parse(before) as Rollout;
    if (!mayBecome[rollout.state].includes(to)) return undefined;
    const waves = standingOfWaves(rollout, await readStanding(redis, id));
    const after: Rollout = {
      ...rollout,
      state: to,
      waitsFor: undefined,
      forgiven: to === 'running' ? Math.max(rollout.forgiven, errorsTooMany(waves)) : rollout.forgiven,
      history: [...rollout.history, { at, by, state: to, ...(why === undefined ? {} : { why }) }].slice(
        -mostSteps,
      ),
    };
    const event: AuditEvent = { at, by, what: `rollout.${to}`, id, before: rollout.state, after: to, why };
    if (await replaceRecord(redis, { key: redisKeys.rollouts, id, before, after, audit: [event] }))
      return after;
  }
}

/** Notes what a running rollout waits for, for who asks. */
export async function noteWait(redis: Redis, id: string, waitsFor: string | undefined): Promise<void> {
  const before = await readRollout(redis, id);
  const rollout = JSON.parse(before) as Rollout;
  if (rollout.waitsFor === waitsFor || rollout.state !== 'running') return;
  // Where somebody was faster there is something newer to be told.
  await replaceRecord(redis, {
    key: redisKeys.rollouts,
    id,
    before,
    after: { ...rollout, waitsFor },
    audit: [],
  });
}

/** Ends a rollout for good: nothing more is issued, and what no device has got yet is withdrawn. */
export async function abortRollout(
  redis: Redis,
  id: string,
  who: { readonly at: number; readonly by: string; readonly why?: string | undefined },
): Promise<Rollout | undefined> {
  const aborted = await changeRollout(redis, id, 'aborted', who);
  const standing = aborted === undefined ? [] : await readStanding(redis, id);
  for (const [device, outcome] of standing) {
    if (outcome !== 'under_way') continue;
    await changeCommand(redis, rolloutCommandId(id, device), { kind: 'cancelled', at: who.at, by: who.by });
  }
  return aborted;
}

export async function readStanding(redis: Redis, id: string): Promise<RolloutStanding> {
  const rows = await redis.hgetall(redisKeys.rolloutProgress(id));
  return new Map(
    Object.entries(rows).map(([device, json]) => [
      device,
      json === '' ? 'under_way' : (JSON.parse(json) as DeviceOutcome),
    ]),
  );
}

/** Brings the standing up to what became of the commands. */
export async function settleStanding(redis: Redis, id: string): Promise<RolloutStanding> {
  const standing = new Map(await readStanding(redis, id));
  const open = [...standing].flatMap(([device, outcome]) => (outcome === 'under_way' ? [device] : []));
  const commands = await findCommands(
    redis,
    open.map((device) => rolloutCommandId(id, device)),
  );
  const byDevice = new Map(commands.map((command) => [command.device, command]));
  const settled: string[] = [];
  for (const device of open) {
    const command = byDevice.get(device);
    if (command !== undefined && !isFinished(command)) continue;
    const outcome: DeviceOutcome =
      command === undefined
        ? { state: 'failed', why: 'its command was forgotten before anybody looked' }
        : {
            state: command.state as DeviceOutcome['state'],
            ...(command.state === 'done' ? {} : { why: command.failure ?? command.history.at(-1)?.why }),
          };
    standing.set(device, outcome);
    settled.push(device, JSON.stringify(outcome));
  }
  if (settled.length > 0) await redis.hset(redisKeys.rolloutProgress(id), ...settled);
  return standing;
}

/** Notes that a device is left out, unless it was told. */
export async function skipDevice(redis: Redis, id: string, device: string, why: string): Promise<void> {
  const outcome: DeviceOutcome = { state: 'skipped', why };
  await redis.hsetnx(redisKeys.rolloutProgress(id), device, JSON.stringify(outcome));
}

async function readRollout(redis: Redis, id: string): Promise<string> {
  const json = await redis.hget(redisKeys.rollouts, id);
  if (json !== null) return json;
  const meant = didYouMean(id, await redis.hkeys(redisKeys.rollouts));
  throw new AppError('unknown_rollout', `There is no rollout "${id}".${meant}`);
}

async function forgetOld(redis: Redis, now: number): Promise<void> {
  for (const rollout of await listRollouts(redis)) {
    const { id, history } = rollout;
    if (!isRolloutOver(rollout) || (history.at(-1)?.at ?? now) > now - keptDays * dayMs) continue;
    await redis.multi().hdel(redisKeys.rollouts, id).del(redisKeys.rolloutProgress(id)).exec();
  }
}
