import type { Arguments } from './action.js';
import type { DeviceClass } from './device-class.js';

export const rolloutStates = [
  'awaiting_approval',
  'running',
  'paused',
  'done',
  'stopped',
  'aborted',
  'expired',
] as const;

/**
 * Where a group command is on its way:
 *
 *   awaiting_approval ─▶ running ⇄ paused      stopped: by itself, because of errors; it can be resumed
 *                           ├─▶ done ├─▶ stopped ─▶ running      aborted: for good
 *                           └─▶ aborted, expired (also from the others that are not finished)
 */
export type RolloutState = (typeof rolloutStates)[number];

/** A device that a group command is for. */
export interface RolloutTarget {
  readonly device: string;
  readonly site: string;
  /** Tells it from a later device of the same id. */
  readonly removals: number;
}

/** A command to a group of devices, wave by wave. Times are pipeline time, epoch ms. */
export interface Rollout {
  readonly id: string;
  readonly deviceClass: DeviceClass;
  readonly action: string;
  readonly args: Arguments;
  /** In the order in which they are told, frozen when it was created. */
  readonly targets: readonly RolloutTarget[];
  /** How many of them each wave has: the canary, a tenth, the rest. */
  readonly waves: readonly number[];
  /** Errors that a wave behind the canary may have, as a share of its devices. */
  readonly errorShare: number;
  /** How long each command may be delivered, ms. */
  readonly commandMs: number;
  readonly createdBy: string;
  readonly createdAt: number;
  /** Nothing is issued from then on. */
  readonly expiresAt: number;
  readonly why?: string | undefined;
  /** Guards that its creator set aside. */
  readonly overrides: readonly string[];
  /** The approval that it needs. */
  readonly approval?: string | undefined;
  readonly state: RolloutState;
  /** Errors that somebody has seen and resumed it with all the same. */
  readonly forgiven: number;
  /** The last changes, the oldest first. */
  readonly history: readonly RolloutStep[];
  /** What it waits for, in a sentence. */
  readonly waitsFor?: string | undefined;
}

export interface RolloutStep {
  readonly at: number;
  readonly by: string;
  readonly state: RolloutState;
  readonly why?: string | undefined;
}

/** The id of the command that a rollout sends a device: one, however often it is tried. */
export function rolloutCommandId(rollout: string, device: string): string {
  return `${rollout}:${device}`;
}

export function isRolloutOver({ state }: Rollout): boolean {
  return state === 'done' || state === 'aborted' || state === 'expired';
}

/** Canary, a tenth, the rest. */
export function wavesOf(count: number): number[] {
  const tenth = Math.min(Math.ceil(count / 10), count - 1);
  return [1, tenth, count - 1 - tenth].filter((size) => size > 0);
}
