import { approvalStateAt } from '../../devices/approval.js';
import { findApproval } from '../../devices/redis-approvals.js';
import { rolloutCommandId } from '../../devices/rollout.js';
import type { Rollout } from '../../devices/rollout.js';
import { AppError } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import type { GuardName } from './guards.js';
import { orderCommand } from './redis-order.js';
import type { RedisCity } from './redis-city.js';
import { changeRollout, findRollout, noteWait, settleStanding, skipDevice } from './redis-rollouts.js';
import { nextStep } from './rollout-step.js';

/** What a worker has at hand. */
export interface RolloutParts {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly city: RedisCity;
}

/** Guards that hold back all of a site's devices of the class, and not this one alone. */
const ofSite: ReadonlySet<GuardName> = new Set([
  'exam',
  'lesson',
  'common_cause',
  'class_share',
  'site',
  'city',
]);

/**
 * Takes a rollout one step on. It may be done at any time, by several at once, and be cut off anywhere: which commands
 * there are is decided where they are issued, one for each device, only while the rollout runs.
 * @returns whether there is more to do
 */
export async function runRollout(id: string, parts: RolloutParts): Promise<boolean> {
  const { redis, clock } = parts;
  const rollout = await findRollout(redis, id);
  if (rollout.state === 'awaiting_approval') return followApproval(rollout, parts);
  if (rollout.state !== 'running') return false;
  const standing = await settleStanding(redis, id);
  const step = nextStep(rollout, standing, clock.now());
  if (step.kind === 'end') {
    await changeRollout(redis, id, step.state, { at: clock.now(), by: 'rollout', why: step.why });
    return false;
  }
  const waitsFor = step.kind === 'wait' ? step.why : await issue(rollout, step.targets, parts);
  await noteWait(redis, id, waitsFor);
  return true;
}

async function followApproval(
  { id, approval = id }: Rollout,
  { redis, clock }: RolloutParts,
): Promise<boolean> {
  const found = await findApproval(redis, approval);
  const now = clock.now();
  const by = found.decidedBy ?? 'clock';
  switch (approvalStateAt(found, now)) {
    case 'approved':
    case 'used':
      return (await changeRollout(redis, id, 'running', { at: now, by, why: 'approved' })) !== undefined;
    case 'rejected':
      await changeRollout(redis, id, 'aborted', { at: now, by, why: found.comment ?? 'not approved' });
      return false;
    case 'expired':
      await changeRollout(redis, id, 'expired', { at: now, by: 'clock', why: 'nobody approved it in time' });
      return false;
    case 'pending':
      return true;
  }
}

/** @returns what holds back those that could not be told now */
async function issue(
  rollout: Rollout,
  targets: Rollout['targets'],
  parts: RolloutParts,
): Promise<string | undefined> {
  const { id, action, args, createdBy, commandMs, expiresAt, overrides, why } = rollout;
  const { redis, clock } = parts;
  const held = new Set<string>();
  let waitsFor: string | undefined;
  for (const { device, site } of targets) {
    if (held.has(site)) continue;
    // Whether it still runs, and is what was approved, is asked with each issue, in Redis.
    try {
      const outcome = await orderCommand(
        redis,
        {
          kind: 'group',
          id: rolloutCommandId(id, device),
          device,
          action,
          args,
          issuedBy: createdBy,
          reason: why,
          rollout,
          overrides,
          expiresAt: Math.min(clock.now() + commandMs, expiresAt),
        },
        parts,
      );
      if (outcome.kind === 'issued') continue;
      const { guard, message, passes } = outcome.refusal;
      if (passes || guard === 'common_cause') {
        waitsFor ??= `${guard}: ${message}`;
        if (ofSite.has(guard)) held.add(site);
      } else await skipDevice(redis, id, device, `${guard}: ${message}`);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'stopped') return error.message;
      if (error.code === 'rollout_not_running') return undefined;
      if (error.code === 'not_approved') {
        await changeRollout(redis, id, 'stopped', { at: clock.now(), by: 'rollout', why: error.message });
        return undefined;
      }
      if (error.retryable) waitsFor ??= error.message;
      else await skipDevice(redis, id, device, error.message);
    }
  }
  return waitsFor;
}
