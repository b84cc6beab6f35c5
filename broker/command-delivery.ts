import { isDeliverable } from '../devices/command.js';
import type { Command } from '../devices/command.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { ClientConnection } from './client-connection.js';
import { createListener, grantedFor, isReady, toMessage } from './command-listener.js';
import type { Bridge, Listener } from './command-listener.js';

/** Where the delivery gets commands from, and tells what became of them. */
export interface CommandTable {
  /** The open commands of each of these devices that has any, oldest first. */
  openOf(devices: readonly string[]): Promise<ReadonlyMap<string, readonly Command[]>>;
  /** All devices that have open commands. */
  devices(): Promise<readonly string[]>;
  /** Whether the device itself is connected, to whatever broker: then nobody else gets its commands. */
  isConnected(device: string): Promise<boolean>;
  /**
   * Records that the command is about to be sent; undefined when it may not be (any more).
   * @param through the user name of the bridge account that it goes to, where it does not go to the device
   */
  claim(id: string, at: number, through: string | undefined): Promise<Command | undefined>;
  /** Records that it was not sent after all. */
  withhold(id: string, at: number): Promise<void>;
  /** Records that who was sent it confirmed it. */
  confirm(id: string, at: number, through: string | undefined): Promise<void>;
}

/** What is on its way to one connection. */
interface Lane {
  /** Commands that are being claimed, each to leave at once. */
  claiming: number;
  /** Those that have something to send and no room: to be looked at when there is some, the longest waiting first. */
  readonly waiting: Set<Listener>;
}

/**
 * Sends devices their commands, over their own connection or, for one that has none, over a bridge's: when they have
 * subscribed, which every reconnect does anew, and when one is issued. What is sent comes from the table each time and never from a queue, which would know of no expiry.
 */
export class CommandDelivery {
  readonly #table: CommandTable;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onSent: () => void;
  readonly #listeners = new Map<string, Listener>();
  /** In the order in which they came. */
  readonly #bridges = new Map<ClientConnection, Bridge>();
  readonly #lanes = new WeakMap<ClientConnection, Lane>();

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
      // One that listens anew is the newest of its account.
      if (bridge.filters.size === 0) this.#bridges.delete(connection);
      this.#bridges.set(connection, bridge);
      for (const [filter, qos] of grants) bridge.filters.set(filter, qos);
      this.#table.devices().then(
        (devices) => this.look(devices),
        (error: unknown) => this.#failed(error),
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

  /** What was sent stays known: on this connection it is not sent again. */
  unsubscribed(connection: ClientConnection, filters: readonly string[]): void {
    const listener = this.#listeners.get(connection.session?.client ?? '');
    const own = listener?.connection === connection ? listener : undefined;
    const known = this.#bridges.get(connection)?.filters ?? own?.filters;
    for (const filter of filters) known?.delete(filter);
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
    const elsewhere: string[] = [];
    for (const device of devices) {
      const listener = this.#listeners.get(device);
      if (listener !== undefined) this.#look(listener);
      else elsewhere.push(device);
    }
    if (elsewhere.length > 0 && this.#bridges.size > 0)
      this.#lookBehindBridges(elsewhere).catch((error: unknown) => this.#failed(error));
  }

  /** These are all devices that have open commands, as of a moment ago. */
  lookAtAll(devices: readonly string[]): void {
    const open = new Set(devices);
    for (const { listeners } of this.#bridges.values()) {
      // It finds that there is nothing left to hear, and forgets the listener.
      for (const listener of listeners.values()) if (!open.has(listener.device)) this.#look(listener);
    }
    this.look(open);
  }

  /** Sends nothing more. */
  stop(): void {
    this.#listeners.clear();
    this.#bridges.clear();
  }

  /** A bridge is asked for by what it subscribed to, which costs nothing, before anybody asks where the device is. */
  async #lookBehindBridges(devices: readonly string[]): Promise<void> {
    for (const [device, commands] of await this.#table.openOf(devices)) {
      const bridges = this.#newestBridges().filter(([, { filters, listeners }]) => {
        const sent = listeners.get(device)?.sent;
        return commands.some(
          (command) => sent?.has(command.id) !== true && grantedFor(filters, command) !== undefined,
        );
      });
      if (bridges.length === 0 || (await this.#table.isConnected(device))) continue;
      for (const [connection, bridge] of bridges) this.#look(this.#bridged(device, connection, bridge));
    }
  }

  /** Of each account the newest connection that listens. */
  #newestBridges(): (readonly [ClientConnection, Bridge])[] {
    const listening = [...this.#bridges].filter(([, { filters }]) => filters.size > 0);
    return [...new Map(listening.map((each) => [each[0].session?.client, each])).values()];
  }

  #bridged(device: string, connection: ClientConnection, { filters, listeners }: Bridge): Listener {
    const known = listeners.get(device);
    if (known !== undefined) return known;
    const isCurrent = () => this.#bridges.get(connection)?.listeners.get(device) === listener;
    const listener = createListener({ connection, device, filters, isBridged: true, isCurrent });
    listeners.set(device, listener);
    return listener;
  }

  #look(listener: Listener): void {
    listener.again = true;
    if (listener.busy) return;
    listener.busy = true;
    this.#sendAll(listener).then(
      () => {
        listener.busy = false;
        // Asked for after the last look had begun.
        if (listener.again && isReady(listener)) this.#look(listener);
        // It left room, or it had nothing to send.
        else if (!this.#lane(listener.connection).waiting.has(listener))
          this.#lookAtNext(listener.connection);
      },
      (error: unknown) => {
        // The next look, a few seconds from now, tries again.
        listener.busy = false;
        this.#failed(error);
      },
    );
  }

  async #sendAll(listener: Listener): Promise<void> {
    while (listener.again && isReady(listener)) {
      listener.again = false;
      for (const command of await this.#toSend(listener)) {
        // In their order: none goes before one that has to wait.
        if (!(await this.#sendOne(listener, command))) break;
      }
    }
  }

  /** Open commands that the listener was not sent, oldest first. */
  async #toSend(listener: Listener): Promise<readonly Command[]> {
    const { device, isBridged, filters, sent, connection } = listener;
    const open = (await this.#table.openOf([device])).get(device) ?? [];
    const ids = new Set(open.map(({ id }) => id));
    for (const id of sent) if (!ids.has(id)) sent.delete(id);
    // A bridge may speak for any number of devices: those that have nothing to hear are forgotten.
    if (isBridged && open.length === 0 && !listener.again)
      this.#bridges.get(connection)?.listeners.delete(device);
    const due = open.filter((command) => !sent.has(command.id) && grantedFor(filters, command) !== undefined);
    return isBridged && due.length > 0 && (await this.#table.isConnected(device)) ? [] : due;
  }

  /** @returns false when it has to wait, and all behind it */
  async #sendOne(listener: Listener, command: Command): Promise<boolean> {
    const lane = this.#lane(listener.connection);
    if (!this.#hasRoom(listener, command, lane.claiming)) {
      lane.waiting.add(listener);
      return false;
    }
    const { id } = command;
    lane.claiming++;
    try {
      const claimed = await this.#table.claim(id, this.#clock.now(), throughOf(listener));
      if (claimed === undefined) return true;
      if (this.#send(listener, claimed)) listener.sent.add(id);
      else await this.#table.withhold(id, this.#clock.now());
    } finally {
      lane.claiming--;
    }
    return true;
  }

  /** Whether it would leave at once, beside `claiming` others. */
  #hasRoom(listener: Listener, command: Command, claiming = 0): boolean {
    const qos = grantedFor(listener.filters, command);
    if (qos === undefined || !isReady(listener)) return false;
    const { outbox } = listener.connection.state ?? {};
    return qos === 0 || (outbox?.roomFor(toMessage(command, qos)) ?? 0) > claiming;
  }

  #send(listener: Listener, command: Command): boolean {
    // Asked last thing before it is written: it is never sent once it has expired.
    if (!this.#hasRoom(listener, command) || !isDeliverable(command, this.#clock.now())) return false;
    const { connection, filters } = listener;
    const onAcknowledged = () => {
      this.#confirm(command.id, throughOf(listener));
      this.#lookAtNext(connection);
    };
    const message = toMessage(command, grantedFor(filters, command) ?? 1);
    if (!connection.deliver({ ...message, onAcknowledged })) return false;
    this.#onSent();
    return true;
  }

  /** There may be room again for who waits for it. */
  #lookAtNext(connection: ClientConnection): void {
    const { waiting } = this.#lane(connection);
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    this.#look(next);
  }

  #lane(connection: ClientConnection): Lane {
    const known = this.#lanes.get(connection);
    if (known !== undefined) return known;
    const lane: Lane = { claiming: 0, waiting: new Set() };
    this.#lanes.set(connection, lane);
    return lane;
  }

  #confirm(id: string, through: string | undefined): void {
    this.#table
      .confirm(id, this.#clock.now(), through)
      .catch((error: unknown) => this.#log.debug(`command ${id} not marked delivered: ${messageOf(error)}`));
  }

  #failed(error: unknown): void {
    this.#log.debug(`commands not delivered: ${messageOf(error)}`);
  }
}

function throughOf({ isBridged, connection }: Listener): string | undefined {
  return isBridged ? connection.session?.client : undefined;
}
