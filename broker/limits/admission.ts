import type { ReadGate } from '../read-gate.js';
import type { LimitReason } from './limit-reason.js';
import type { ClientPace } from './publish-pace.js';

/** What may have to wait before its next message is taken. */
interface Publisher {
  readonly inFlight: number;
  readonly pace: ClientPace | undefined;
  readonly ended: boolean;
  release(reason: 'in_flight' | 'rate'): void;
}

/** A message to publish, or what else a client asks for: SUBSCRIBE, UNSUBSCRIBE, PINGREQ. */
export type Wish = 'publish' | 'control';

/** A client over its rate is let go on in steps of so long, not for every single message. */
const stepMs = 20;

/**
 * Why the next packet of a connection must wait, if it must: it is a message and too much of it, or of all clients,
 * is unanswered, or the client is over its rate. It is not disconnected: its bytes stay in the kernel until it may go on,
 * which is seen to.
 */
export function createAdmission<Connection extends Publisher>(
  gate: ReadGate<Connection>,
  onLimited: (reason: LimitReason) => void,
): (connection: Connection, wish: Wish) => 'in_flight' | 'rate' | undefined {
  return (connection, wish) => {
    if (wish === 'publish' && !gate.admits(connection)) {
      onLimited('in_flight');
      return 'in_flight';
    }
    const waitMs = connection.pace?.waitMs(performance.now()) ?? 0;
    if (waitMs === 0) return undefined;
    onLimited('rate');
    setTimeout(() => connection.release('rate'), Math.max(waitMs, stepMs)).unref();
    return 'rate';
  };
}
