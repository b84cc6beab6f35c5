import type { AedesPublishPacket, Client } from 'aedes';

type Deliver = (packet: AedesPublishPacket, done: () => void) => void;

/**
 * What we use of a client of Aedes 1.2 beyond what it declares. The conformance tests fail when a new version
 * has these no longer.
 */
export interface AedesClient extends Client {
  /** The Will, published when the client goes without DISCONNECT. */
  will: unknown;
  /** Filter → subscription. */
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 | 2 }>>;
  /** Called for each subscription of QoS 0 that matches a message … */
  deliver0: Deliver;
  /** … and for each of a higher one. */
  deliverQoS: Deliver;
}
