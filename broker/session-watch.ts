import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KnownDevice } from '../devices/credential.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import { reasonToDrop } from './authentication.js';
import type { Session } from './session.js';

/** Looked up in one round trip at most. */
const batch = 500;
const retryMs = 250;

/**
 * Closes the connections of devices that may no longer be connected: revoked, removed, moved, or let in with
 * a secret that has ended. It looks at those that the registry's feed names, and now and then at all, in case
 * something was missed.
 */
export class SessionWatch {
  readonly #find: (ids: readonly string[]) => Promise<(KnownDevice | undefined)[]>;
  readonly #log: Logger;
  readonly #onDropped: () => void;
  readonly #timer: NodeJS.Timeout;
  /** By device; more than one only for the moment of a takeover. */
  readonly #open = new Map<string, Map<Session, Duplex>>();
  #due = new Set<string>();
  #working = false;
  #stopped = false;
  #changes = 0;

  constructor(parts: {
    readonly find: (ids: readonly string[]) => Promise<(KnownDevice | undefined)[]>;
    readonly log: Logger;
    readonly onDropped: () => void;
    /** Wall ms between two looks at all connections. */
    readonly recheckMs: number;
  }) {
    this.#find = parts.find;
    this.#log = parts.log;
    this.#onDropped = parts.onDropped;
    this.#timer = setInterval(() => this.changed([{ kind: 'everything' }]), parts.recheckMs);
  }

  /** To be read before a device is looked up for its CONNECT, and handed to `opened`. */
  get changes(): number {
    return this.#changes;
  }

  /** A device was let in over this stream, by what was known of it when `changes` was `since`. */
  opened(session: Session, stream: Duplex, since: number): void {
    if (stream.destroyed) return;
    stream.once('close', () => this.#closed(session));
    if (session.device === undefined) return;
    const { client } = session;
    const sessions = this.#open.get(client);
    if (sessions === undefined) this.#open.set(client, new Map([[session, stream]]));
    else sessions.set(session, stream);
    // What it was let in by may have been read just before it changed.
    if (since !== this.#changes) this.#look([client]);
  }

  changed(changes: readonly RegistryChange[]): void {
    this.#changes++;
    for (const change of changes) {
      if (change.kind === 'everything') this.#look(this.#open.keys());
      else if (change.kind !== 'site') this.#look([change.id]);
    }
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #look(devices: Iterable<string>): void {
    for (const device of devices) if (this.#open.has(device)) this.#due.add(device);
    if (!this.#working && this.#due.size > 0) void this.#work();
  }

  #closed(session: Session): void {
    const sessions = this.#open.get(session.client);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#open.delete(session.client);
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#due.size > 0 && !this.#stopped) {
      const ids = [...this.#due].slice(0, batch);
      for (const id of ids) this.#due.delete(id);
      try {
        const known = await this.#find(ids);
        ids.forEach((id, i) => this.#judge(id, known[i]));
      } catch (error) {
        this.#log.debug(`connections can not be checked: ${messageOf(error)}`);
        for (const id of ids) this.#due.add(id);
        await sleep(retryMs);
      }
    }
    this.#working = false;
  }

  #judge(device: string, known: KnownDevice | undefined): void {
    for (const [session, stream] of this.#open.get(device) ?? []) {
      const reason = session.device && reasonToDrop(session.device, known, Date.now());
      if (reason === undefined) continue;
      this.#log.info({ client: device }, `connection closed: ${reason}`);
      this.#onDropped();
      stream.destroy();
    }
  }
}
