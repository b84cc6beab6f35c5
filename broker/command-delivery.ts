import { formatCommand, isDeliverable } from '../devices/command.js';
import type { Command } from '../devices/command.js';
import { topicPrefix } from '../devices/topic.js';
import { messageOf } from '../runtime/app-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { ClientConnection } from './client-connection.js';

/** Where the delivery gets commands from, and tells what became of them. */
export interface CommandTable {
  /** The open commands of a device, oldest first. */
  openOf(device: string): Promise<readonly Command[]>;
  /** Records that the command is about to be sent; undefined when it may not be (any more). */
  claim(id: string, at: number): Promise<Command | undefined>;
  /** Records that the device's client confirmed it. */
  confirm(id: string, at: number): Promise<void>;
}

/** A device that listens for commands on its connection to this broker. */
interface Listener {
  readonly connection: ClientConnection;
  readonly device: string;
  readonly topic: string;
  qos: 0 | 1;
  /** What it was sent on this connection: it is not sent twice, unless it comes back. */
  readonly sent: Set<string>;
  /** Looking for what to send; `again`: there is reason to look once more. */
  busy: boolean;
  again: boolean;
}

/**
 * Sends devices their commands: when they have subscribed, which every reconnect does anew, and when one is
 * issued. What is sent comes from the table each time and never from a queue, which would know of no expiry.
 */
export class CommandDelivery {
  readonly #table: CommandTable;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onSent: () => void;
  readonly #listeners = new Map<string, Listener>();

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

  /** SUBACK is out; of what it granted only a device's own commands are our business. */
  subscribed(connection: ClientConnection, granted: ReadonlyMap<string, 0 | 1 | 2>): void {
    const topic = commandTopic(connection);
    const qos = topic === undefined ? undefined : granted.get(topic);
    if (topic === undefined || qos === undefined || connection.ended) return;
    const device = connection.session?.client ?? '';
    let listener = this.#listeners.get(device);
    if (listener?.connection !== connection) {
      listener = { connection, device, topic, qos: 1, sent: new Set(), busy: false, again: false };
      this.#listeners.set(device, listener);
    }
    listener.qos = qos === 0 ? 0 : 1;
    this.#look(listener);
  }

  unsubscribed(connection: ClientConnection, filters: readonly string[]): void {
    const topic = commandTopic(connection);
    if (topic !== undefined && filters.includes(topic)) this.gone(connection);
  }

  /** The connection listens no more. */
  gone(connection: ClientConnection): void {
    const device = connection.session?.client ?? '';
    // After a takeover the device listens by its newer connection.
    if (this.#listeners.get(device)?.connection === connection) this.#listeners.delete(device);
  }

  /** There may be something to send to these devices; those that are not here are not ours. */
  look(devices: Iterable<string>): void {
    for (const device of devices) {
      const listener = this.#listeners.get(device);
      if (listener !== undefined) this.#look(listener);
    }
  }

  /** Sends nothing more. */
  stop(): void {
    this.#listeners.clear();
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
      for (const { id } of await this.#table.openOf(listener.device)) {
        if (listener.sent.has(id) || !this.#isReady(listener)) continue;
        const claimed = await this.#table.claim(id, this.#clock.now());
        if (claimed !== undefined && this.#send(listener, claimed)) listener.sent.add(id);
      }
    }
  }

  #send(listener: Listener, command: Command): boolean {
    // Asked last thing before it is written: it is never sent once it has expired.
    if (!this.#isReady(listener) || !isDeliverable(command, this.#clock.now())) return false;
    const { connection, topic, qos } = listener;
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
    const { connection, device } = listener;
    return !connection.ended && !connection.congested && this.#listeners.get(device) === listener;
  }
}

/** The topic on which a device hears its commands; undefined for who is no device. */
function commandTopic({ session }: ClientConnection): string | undefined {
  if (session?.device === undefined) return undefined;
  const { site, deviceClass } = session.device;
  return `${topicPrefix(site, deviceClass, session.client)}cmd`;
}
