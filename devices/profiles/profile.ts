import type { DeviceClass } from '../device-class.js';
import type { Notice } from '../notice.js';
import type { Rejection } from '../telemetry.js';

/**
 * What a vendor's devices say, turned into what we understand. A profile is one file,
 * `devices/profiles/<name>/profile.ts`, that exports it as `profile`, with `samples.json` beside it; it is
 * found by its folder, so that dropping the folder in is all there is to do.
 *
 * A profile is pure: the same message always comes to the same result, whoever decodes it and however often,
 * for the log is decoded again after a crash and out of the quarantine. It may throw: the message is then
 * quarantined as `profile_failed`.
 */
export interface Profile {
  /** As bridge files name it. */
  readonly name: string;
  /** Topic filters that a bridge subscribes to unless its file says others; `{site}` is the subscription's. */
  readonly topics: readonly string[];
  /** Classes its devices can be of; the bridge file says which one they are. */
  readonly deviceClasses: readonly DeviceClass[];
  /** The part of our device id that stands for the vendor's name of a device. @defaultValue the name itself */
  readonly deviceId?: (name: string) => string;
  /** Everything the message says, in the order in which it says it. */
  readonly decode: (message: VendorMessage) => ProfileResult;
  /**
   * The payload without what we may not keep (people's devices), applied before the log; it must decode to
   * the same as before. @defaultValue the payload as it came
   */
  readonly withoutPersonalData?: (message: VendorMessage) => Buffer;
}

/** A message as the vendor's device or gateway published it. */
export interface VendorMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** The payload as UTF-8. */
  readonly text: () => string;
  /** What the devices of this subscription are. */
  readonly deviceClass: DeviceClass;
  /** Pipeline time of its arrival, whole epoch ms. */
  readonly arrivedAt: number;
  /** The broker had kept it for new subscribers: it may be of any age. */
  readonly retained: boolean;
}

/**
 * What is in a message: items, or why it can't be understood (it is quarantined whole), or why there is
 * nothing in it for us (it is counted as ignored). An item's place among the items stays the same for the
 * same payload, because the quarantine refers to it: what can't be understood takes a place, too.
 */
export type ProfileResult =
  | { readonly items: readonly ProfileItem[] }
  | { readonly rejection: Rejection }
  | { readonly ignored: string };

interface About {
  /** The vendor's name of the device. */
  readonly device: string;
  /** Where it isn't the subscription's, such as the gateway that carries the sensors. */
  readonly deviceClass?: DeviceClass | undefined;
  /** Names of what the vendor measured and we have no metric for: counted, so that it can be seen. */
  readonly ignored?: readonly string[];
}

export type ProfileItem = About &
  (
    | {
        readonly kind: 'reading';
        /** `{ts, seq?, boot?, m, parts?}` in our metrics and units; checked by us against the device's class. */
        readonly reading: unknown;
        /** The payload says no time, so the arrival is taken for it and `reading` has no `ts`. */
        readonly time?: 'arrival';
      }
    | { readonly kind: 'notice'; readonly stream: Notice['stream']; readonly body: unknown }
    | { readonly kind: 'rejection'; readonly rejection: Rejection }
  );
