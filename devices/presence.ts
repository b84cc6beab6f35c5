/** Whether a device is there, by what the broker itself saw. Times are pipeline time, epoch ms. */
export interface Presence {
  readonly state: 'online' | 'offline';
  /** When `state` last changed. */
  readonly since: number;
  /** When the broker last had anything from the device. */
  readonly lastSeenAt: number;
  /** Number of the device's newest connection, counted over all brokers. */
  readonly connection: number;
}
