import { formatCommand, isDeliverable } from '../devices/command.js';
import type { Command } from '../devices/command.js';
import { topicPrefix } from '../devices/topic.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { ClientConnection } from './client-connection.js';
import { highestGrant } from './session-states.js';

/** Where the delivery gets commands from, and tells what became of them. */
export interface CommandTable {
  /** The open commands of a device, oldest first. */
  openOf(device: string): Promise<readonly Command[]>;
  /** All devices that have open commands. */
  devices(): Promise<readonly string[]>;
  /** Whether the device itself is connected, to whatever broker: then nobody else gets its commands. */
  isConnected(device: string): Promise<boolean>;
  /** Records that the command is about to be sent; undefined when it may not be (any more). */
  claim(id: string, at: number): Promise<Command | undefined>;
  /** Records that the device's client confirmed it. */
  confirm(id: string, at: number): Promise<void>;
}

/** A device that listens for commands on a connection to this broker, its own or a bridge's. */
interface Listener {
  readonly connection: ClientConnection;
  readonly device: string;
  /** What was subscribed to, with the granted QoS. */
  readonly filters: Map<string, 0 | 1>;
  readonly isBridged: boolean;
  /** Whether it still is the one to send to. */
  readonly isCurrent: () => boolean;
  /** What it was sent on this connection: it is not sent twice, unless it comes back. */
  readonly sent: Set<string>;
  /** Looking for what to send; `again`: there is reason to look once more. */
  busy: boolean;
  again: boolean;
}

/** A bridge account's connection, over which the devices it speaks for hear their commands. */
interface Bridge {
  readonly filters: Map<string, 0 | 1>;
  readonly listeners: Map<string, Listener>;
}

/**
 * Sends devices their commands, over their own connection or, for one that has none, over a bridge's: when they have subscribed, which every reconnect does anew, and when one is
 * issued. What is sent comes from the table each time and never from a queue, which would know of no expiry.
 */
export class CommandDelivery {
  readonly #table: CommandTable;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onSent: () => void;
  readonly #listeners = new Map<string, Listener>();
  /** In the order in which they came. */
  readonly #bridges = new Map<ClientConnection, Bridge>();

  constructor(parts: {
    readonly table: CommandTable;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onSent: () => void;
  }) {
    this.#table = parts.table;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#onSent = parts.onSent;
  }

  /** SUBACK is out; of what it granted only commands are our business. */
  subscribed(connection: ClientConnection, granted: ReadonlyMap<string, 0 | 1 | 2>): void {
    const { session, ended } = connection;
    if (ended || session === undefined) return;
    const grants = [...granted].map(([filter, qos]) => [filter, qos === 0 ? 0 : 1] as const);
    if (session.account?.kind === 'bridge') {
      const bridge = this.#bridges.get(connection) ?? { filters: new Map(), listeners: new Map() };
      this.#bridges.set(connection, bridge);
      for (const [filter, qos] of grants) bridge.filters.set(filter, qos);
      this.#table.devices().then(
        (devices) => this.look(devices),
        (error: unknown) => this.#log.debug(`commands not delivered: ${messageOf(error)}`),
      );
      return;
    }
    if (session.device === undefined || grants.length === 0) return;
    // A device may subscribe to its own commands and nothing else.
    const device = session.client;
    let listener = this.#listeners.get(device);
    if (listener?.connection !== connection) {
      const isCurrent = () => this.#listeners.get(device) === listener;
      listener = createListener({ connection, device, filters: new Map(), isBridged: false, isCurrent });
      this.#listeners.set(device, listener);
    }
    for (const [filter, qos] of grants) listener.filters.set(filter, qos);
    this.#look(listener);
  }

  unsubscribed(connection: ClientConnection, filters: readonly string[]): void {
    const listener = this.#listeners.get(connection.session?.client ?? '');
    const own = listener?.connection === connection ? listener : undefined;
    const known = this.#bridges.get(connection)?.filters ?? own?.filters;
    for (const filter of filters) known?.delete(filter);
    if (known?.size === 0) this.gone(connection);
  }

  /** The connection listens no more. */
  gone(connection: ClientConnection): void {
    this.#bridges.delete(connection);
    const device = connection.session?.client ?? '';
    // After a takeover the device listens by its newer connection.
    if (this.#listeners.get(device)?.connection === connection) this.#listeners.delete(device);
  }

  /** There may be something to send to these devices; those that are not here are not ours. */
  look(devices: Iterable<string>): void {
    for (const device of devices) {
      const listener = this.#listeners.get(device);
      if (listener !== undefined) this.#look(listener);
      else for (const bridged of this.#bridged(device)) this.#look(bridged);
    }
  }

  /** Sends nothing more. */
  stop(): void {
    this.#listeners.clear();
    this.#bridges.clear();
  }

  /** The device as it may listen behind bridges: of each account behind its newest connection. */
  #bridged(device: string): readonly Listener[] {
    const newest = new Map(
      [...this.#bridges].map(([connection, bridge]) => [connection.session?.client, { connection, bridge }]),
    );
    return [...newest.values()].map(({ connection, bridge: { filters, listeners } }) => {
      let listener = listeners.get(device);
      if (listener === undefined) {
        const isCurrent = () => this.#bridges.get(connection)?.listeners.get(device) === listener;
        listener = createListener({ connection, device, filters, isBridged: true, isCurrent });
        listeners.set(device, listener);
      }
      return listener;
    });
  }

  #look(listener: Listener): void {
    listener.again = true;
    if (listener.busy) return;
    listener.busy = true;
    this.#sendAll(listener).then(
      () => {
        listener.busy = false;
        // Asked for after the last look had begun.
        if (listener.again && this.#isReady(listener)) this.#look(listener);
      },
      (error: unknown) => {
        // The next look, a few seconds from now, tries again.
        listener.busy = false;
        this.#log.debug(`commands not delivered: ${messageOf(error)}`);
      },
    );
  }

  async #sendAll(listener: Listener): Promise<void> {
    while (listener.again && this.#isReady(listener)) {
      listener.again = false;
      for (const command of await this.#open(listener)) {
        const { id } = command;
        if (listener.sent.has(id) || !this.#isReady(listener)) continue;
        if (grantedFor(listener, command) === undefined) continue;
        const claimed = await this.#table.claim(id, this.#clock.now());
        if (claimed !== undefined && this.#send(listener, claimed)) listener.sent.add(id);
      }
    }
  }

  async #open({ device, isBridged, sent, connection }: Listener): Promise<readonly Command[]> {
    const open = await this.#table.openOf(device);
    if (!isBridged) return open;
    if (open.length > 0 && !(await this.#table.isConnected(device))) return open;
    // A bridge may speak for any number of devices: those that have nothing to hear are forgotten.
    if (open.length === 0 && sent.size > 0) this.#bridges.get(connection)?.listeners.delete(device);
    return [];
  }

  #send(listener: Listener, command: Command): boolean {
    // Asked last thing before it is written: it is never sent once it has expired.
    if (!this.#isReady(listener) || !isDeliverable(command, this.#clock.now())) return false;
    const { connection } = listener;
    const topic = commandTopic(command);
    const qos = grantedFor(listener, command) ?? 1;
    const message = { topic, payload: Buffer.from(formatCommand(command)), retain: false };
    if (qos === 0) connection.deliver({ ...message, qos });
    else {
      const onAcknowledged = () => this.#confirm(command.id);
      if (connection.state?.outbox.push({ ...message, qos, onAcknowledged }) !== true) return false;
    }
    this.#onSent();
    return true;
  }

  #confirm(id: string): void {
    this.#table
      .confirm(id, this.#clock.now())
      .catch((error: unknown) => this.#log.debug(`command ${id} not marked delivered: ${messageOf(error)}`));
  }

  /** Whether what is sent leaves at once: what waited for a slow client could leave after its expiry. */
  #isReady(listener: Listener): boolean {
    const { connection, isCurrent } = listener;
    return !connection.ended && !connection.congested && isCurrent();
  }
}

function createListener(
  who: Pick<Listener, 'connection' | 'device' | 'filters' | 'isBridged' | 'isCurrent'>,
): Listener {
  return { ...who, sent: new Set(), busy: false, again: false };
}

/** The topic on which a device hears its commands. */
function commandTopic({ site, deviceClass, device }: Command): string {
  return `${topicPrefix(site, deviceClass, device)}cmd`;
}

function grantedFor({ filters }: Listener, command: Command): 0 | 1 | undefined {
  return highestGrant(filters, commandTopic(command)) as 0 | 1 | undefined;
}
