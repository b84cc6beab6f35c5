import type { DeviceClass } from '../device-class.js';
import { checkNotice } from '../notice.js';
import type { Notice } from '../notice.js';
import { checkReading, isRejection } from '../telemetry.js';
import type { Reading, Rejection } from '../telemetry.js';
import { describeThrown } from './describe-thrown.js';
import type { Profile, ProfileItem, VendorMessage } from './profile.js';

/** What a profile made of a message, checked. */
export type Applied =
  | { readonly items: readonly AppliedItem[] }
  | { readonly rejection: Rejection }
  | { readonly ignored: string };

/** Run, number and time of a rejected reading, where that much could be read. */
export interface ItemNumber {
  readonly boot: string;
  readonly seq: number;
  readonly ts?: number | undefined;
}

/** One item of a message: about which of the vendor's devices, of which class, and what it comes to. */
export interface AppliedItem {
  readonly device: string;
  readonly deviceClass: DeviceClass;
  /** Names of what there is no metric for. */
  readonly ignored?: readonly string[] | undefined;
  readonly outcome:
    | { readonly kind: 'reading'; readonly reading: Reading }
    | { readonly kind: 'notice'; readonly notice: Notice }
    | {
        readonly kind: 'rejection';
        readonly rejection: Rejection;
        readonly number?: ItemNumber | undefined;
      };
}

/** Decodes a message with a profile and checks all that comes out. Never throws. */
export function applyProfile(profile: Profile, message: VendorMessage): Applied {
  try {
    const result = profile.decode(message);
    if (!('items' in result)) return result;
    if (result.items.length === 0) {
      return { rejection: { reason: 'wrong_shape', detail: 'there is nothing in the message' } };
    }
    return {
      items: result.items.map((item) => {
        const deviceClass = item.deviceClass ?? message.deviceClass;
        return {
          device: item.device,
          deviceClass,
          ignored: item.ignored,
          outcome: check(item, deviceClass, message),
        };
      }),
    };
  } catch (error) {
    const detail = `the profile "${profile.name}" failed: ${describeThrown(error)}`;
    return { rejection: { reason: 'profile_failed', detail } };
  }
}

function check(item: ProfileItem, deviceClass: DeviceClass, message: VendorMessage): AppliedItem['outcome'] {
  switch (item.kind) {
    case 'rejection':
      return item;
    case 'notice': {
      const notice = checkNotice(item.stream, item.body);
      return 'reason' in notice ? { kind: 'rejection', rejection: notice } : { kind: 'notice', notice };
    }
    case 'reading': {
      const timed =
        item.time === 'arrival' ? { ...(item.reading as object), ts: message.arrivedAt } : item.reading;
      const checked = checkReading(deviceClass, timed);
      if (isRejection(checked)) return { kind: 'rejection', rejection: checked, number: numberOf(timed) };
      if (item.time === 'arrival' && message.retained) {
        const detail = 'a retained message without a time of its own: when it was measured is not known';
        return { kind: 'rejection', rejection: { reason: 'retained_without_time', detail } };
      }
      return { kind: 'reading', reading: checked };
    }
  }
}

function numberOf(body: unknown): ItemNumber | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { seq, boot = '', ts } = body as { seq?: unknown; boot?: unknown; ts?: unknown };
  if (!Number.isSafeInteger(seq) || (seq as number) < 0 || typeof boot !== 'string' || boot.length > 64)
    return undefined;
  return { boot, seq: seq as number, ts: Number.isSafeInteger(ts) ? (ts as number) : undefined };
}
