import { formatCommand } from '../devices/command.js';
import type { Command } from '../devices/command.js';
import { topicPrefix } from '../devices/topic.js';
import type { ClientConnection } from './client-connection.js';
import { highestGrant } from './session-states.js';
import type { OutboundMessage } from './wire.js';

/** A device that listens for commands on a connection to this broker, its own or a bridge's. */
export interface Listener {
  readonly connection: ClientConnection;
  readonly device: string;
  /** What is subscribed to now, with the granted QoS. */
  readonly filters: Map<string, 0 | 1>;
  readonly isBridged: boolean;
  /** Whether it still is the one to send to. */
  readonly isCurrent: () => boolean;
  /** Open commands it was sent on this connection: they are not sent twice, unless it comes back. */
  readonly sent: Set<string>;
  /** Looking for what to send; `again`: there is reason to look once more. */
  busy: boolean;
  again: boolean;
}

/** A bridge account's connection, over which the devices it speaks for hear their commands. */
export interface Bridge {
  readonly filters: Map<string, 0 | 1>;
  /** Of the devices that have open commands for it to hear. */
  readonly listeners: Map<string, Listener>;
}

export function createListener(
  who: Pick<Listener, 'connection' | 'device' | 'filters' | 'isBridged' | 'isCurrent'>,
): Listener {
  return { ...who, sent: new Set(), busy: false, again: false };
}

/** Whether anything may be sent to it: what waited for a slow client could leave after its expiry. */
export function isReady({ connection, filters, isCurrent }: Listener): boolean {
  return !connection.ended && !connection.congested && filters.size > 0 && isCurrent();
}

/** The QoS with which these filters let the command through; undefined where they don't. */
export function grantedFor(filters: ReadonlyMap<string, 0 | 1>, command: Command): 0 | 1 | undefined {
  return highestGrant(filters, commandTopic(command)) as 0 | 1 | undefined;
}

/** The command as it goes to the device. */
export function toMessage(command: Command, qos: 0 | 1): OutboundMessage {
  return { topic: commandTopic(command), payload: Buffer.from(formatCommand(command)), retain: false, qos };
}

function commandTopic({ site, deviceClass, device }: Command): string {
  return `${topicPrefix(site, deviceClass, device)}cmd`;
}
