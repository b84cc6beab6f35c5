import { findAction } from '../../devices/action-check.js';
import type { Command } from '../../devices/command.js';
import { countIssued, issueCommand } from '../../devices/redis-commands.js';
import type { WantedCommand } from '../../devices/redis-commands.js';
import { findCommand } from '../../devices/redis-command-list.js';
import { readStop, stoppedError } from '../../devices/redis-stop-all.js';
import { AppError } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { findRefusal } from './guards.js';
import type { OrderKind, Refusal } from './guards.js';
import type { RedisCity } from './redis-city.js';

/** A command that somebody wants, and who that is. */
export interface Order extends Omit<WantedCommand, 'isAutomatic' | 'issuedBefore'> {
  readonly kind: OrderKind;
  /** Guards that a person has set aside. */
  readonly overrides: readonly string[];
}

/** What became of an order. */
export type OrderOutcome =
  | { readonly kind: 'issued'; readonly command: Command; readonly repeated: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const mostTries = 50;

/**
 * The one way to a command, for persons, groups and runbooks: asks the guards, and issues it while what they were told
 * of is still so, however many order at once. An order with the same id again is the same command.
 * @throws AppError as `issueCommand`, but `overtaken` only when others were faster again and again
 */
export async function orderCommand(
  redis: Redis,
  order: Order,
  { city, clock }: { readonly city: RedisCity; readonly clock: Clock },
): Promise<OrderOutcome> {
  const { kind, overrides, ...wanted } = order;
  const isAutomatic = kind === 'runbook';
  for (let tries = 1; ; tries++) {
    const issuedBefore = await countIssued(redis);
    const now = clock.now();
    const known = wanted.id === undefined ? undefined : await findCommand(redis, wanted.id);
    const device = (await city.registry()).devices.get(wanted.device);
    const action = device && findAction(device.deviceClass, wanted.action);
    // What is wrong with it is for issuing it to say.
    if (known === undefined && device !== undefined && action !== undefined) {
      // Before the guards, whose reasons would hide it; it is asked again with the issue.
      const stop = await readStop(redis);
      if (stop !== undefined) throw stoppedError(stop);
      const scene = await city.sceneFor(device, now);
      const refusal = findRefusal({ kind, device, actionName: wanted.action, action, overrides }, scene);
      if (refusal !== undefined) return { kind: 'refused', refusal };
    }
    try {
      return {
        kind: 'issued',
        ...(await issueCommand(redis, { ...wanted, isAutomatic, issuedBefore }, now)),
      };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'overtaken' || tries === mostTries) throw error;
    }
  }
}
