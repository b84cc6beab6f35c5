/** What the brokers themselves see of a device: its connection. Times are pipeline time, epoch ms. */
export interface Contact {
  readonly connected: boolean;
  /** When `connected` last changed, or a newer connection took over. */
  readonly since: number;
  /** When a broker last had anything from the device, a PINGREQ included; some seconds old at most. */
  readonly lastSeenAt: number;
  /** Number of the device's newest connection, counted over all brokers. */
  readonly connection: number;
}
