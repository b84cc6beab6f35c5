import type { DeviceClass } from '../devices/device-class.js';

/** What the broker keeps of one authenticated connection. */
export interface Session {
  readonly device: string;
  readonly deviceClass: DeviceClass;
  readonly site: string;
  readonly shard: number;
  /** `campus/v1/{site}/{class}/{device}/`: what it may publish under. */
  readonly topicPrefix: string;
  /** Pipeline time of the last message, epoch ms. */
  lastSeenAt: number;
  /** Messages handed to the log and not yet answered. */
  inFlight: number;
}
