import { Aedes } from 'aedes';
import type { AedesPublishPacket, Client, PublishPacket } from 'aedes';

type Done = (error?: Error) => void;

/**
 * Aedes without the routing nobody asked for: what devices publish is read from the log, never subscribed
 * to, so only what is retained for later (`state`, `meta`) and what the broker itself sends (commands) goes
 * through topic matching and the offline queues.
 */
export class FrontDoor extends Aedes {
  // Aedes calls this with (packet, client, done) for what clients publish; its types show (packet, done) only.
  override publish(packet: PublishPacket, clientOrDone?: Client | Done | null, done?: Done): void {
    const client = typeof clientOrDone === 'function' ? null : (clientOrDone ?? null);
    const finished = typeof clientOrDone === 'function' ? clientOrDone : done;
    if (client !== null && !packet.retain) {
      finished?.();
      return;
    }
    const publish = super.publish.bind(this) as unknown as (
      packet: PublishPacket | AedesPublishPacket,
      client: Client | null,
      done: Done,
    ) => void;
    publish(packet, client, finished ?? (() => undefined));
  }
}
