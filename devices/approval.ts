import { createHash } from 'node:crypto';
import type { Arguments } from './action.js';
import { canonicalJson } from './canonical-json.js';

export const approvalStates = ['pending', 'approved', 'rejected', 'used', 'expired'] as const;
export type ApprovalState = (typeof approvalStates)[number];

/** Exactly what is to be agreed to. */
export interface ApprovedDeed {
  readonly action: string;
  readonly args: Arguments;
  /** The devices; `removals` tells one from a later one of its id. */
  readonly targets: readonly { readonly device: string; readonly removals: number }[];
}

/** Somebody's question whether something may be done, and the answer. Times are pipeline time, epoch ms. */
export interface Approval {
  readonly id: string;
  /** The result of `digestOfDeed`: it is for that and nothing else. */
  readonly digest: string;
  readonly action: string;
  readonly args: Arguments;
  /** The first of them, and how many they are. */
  readonly devices: readonly string[];
  readonly count: number;
  /** Where they are: who answers has to be in charge there. */
  readonly sites: readonly string[];
  /** The group command that it is for. */
  readonly rollout?: string | undefined;
  readonly why?: string | undefined;
  readonly requestedBy: string;
  readonly requestedAt: number;
  /** Neither answered nor used from then on. */
  readonly expiresAt: number;
  readonly state: Exclude<ApprovalState, 'expired'>;
  readonly decidedBy?: string | undefined;
  readonly decidedAt?: number | undefined;
  readonly comment?: string | undefined;
  /** What it was used for, once. */
  readonly usedBy?: string | undefined;
}

/** A group's list of devices may be long: an approval names so many of them. */
export const namedDevices = 20;

export function digestOfDeed({ action, args, targets }: ApprovedDeed): string {
  const exactly = { action, args, targets: targets.map(({ device, removals }) => [device, removals]) };
  return createHash('sha256').update(canonicalJson(exactly)).digest('hex');
}

/** As it stands at a time. */
export function approvalStateAt({ state, expiresAt }: Approval, now: number): ApprovalState {
  return (state === 'pending' || state === 'approved') && now >= expiresAt ? 'expired' : state;
}

/** Why somebody can't answer it; undefined where that is all right. */
export function whyNotDecidable(approval: Approval, by: string, now: number): string | undefined {
  const state = approvalStateAt(approval, now);
  if (state !== 'pending') return `Approval ${approval.id} is ${state}: it can't be answered any more.`;
  if (approval.requestedBy === by)
    return `Approval ${approval.id} was asked for by ${by}: it takes a second person.`;
  return undefined;
}
