import type { DeviceClass } from '../../devices/device-class.js';

/**
 * Where a message comes from that a bridge took from somebody else's broker, and all that is needed to
 * understand it: whoever decodes the record knows profile, site and devices from the record alone.
 */
export interface Origin {
  /** Name of the profile that decodes it. */
  readonly profile: string;
  /** The subscription's site; also decides the shard. */
  readonly site: string;
  /** The subscription's class. */
  readonly deviceClass: DeviceClass;
  /** Put before the id of a device that `devices` doesn't name. */
  readonly prefix: string;
  /** The devices that the bridge found in the message. */
  readonly devices: readonly OriginDevice[];
  /** The vendor's broker had kept it for new subscribers. */
  readonly retained?: true | undefined;
  /** Of what comes out of the quarantine: the ledger's entry in which it stands as quarantined. */
  readonly countedAs?: string | undefined;
}

export interface OriginDevice {
  /** The vendor's. */
  readonly name: string;
  readonly id: string;
  /** Where it is not the subscription's. */
  readonly deviceClass?: DeviceClass | undefined;
  /** What the registry said when the message came: it is unknown, or at another site or of another class. */
  readonly trouble?: 'unregistered' | 'elsewhere' | undefined;
}
