import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import { messageOf } from '../runtime/app-error.js';
import type { Logger } from '../runtime/logger.js';
import type { Session } from './session.js';

/** Looked up in one round trip at most. */
const batch = 500;
const retryMs = 250;

/** By whose leave a session is there. */
type Subject = 'device' | 'claim_token' | 'account';

/** A connection that can be ended by us. */
interface Cuttable {
  readonly incoming: { readonly stream: Duplex };
  /** Ends it; no Will is due. */
  cut(): void;
}

/** Looks these up and tells of a session of each why it may not go on, or undefined. */
export type Judge = (ids: readonly string[]) => Promise<((session: Session) => string | undefined)[]>;

/**
 * Closes the connections of those who may no longer be connected: revoked, removed, moved, or let in with a
 * secret that has ended. It looks at those that the registry's feed names, and now and then at all, in case
 * something was missed.
 */
export class SessionWatch {
  readonly #judges: Readonly<Record<Subject, Judge>>;
  readonly #log: Logger;
  readonly #onDropped: (session: Session) => void;
  readonly #timer: NodeJS.Timeout;
  /** By subject (`device/id`); of a device more than one only for the moment of a takeover. */
  readonly #open = new Map<string, Map<Session, Cuttable>>();
  #due = new Set<string>();
  #working = false;
  #stopped = false;
  #changes = 0;

  constructor(parts: {
    readonly judges: Readonly<Record<Subject, Judge>>;
    readonly log: Logger;
    readonly onDropped: (session: Session) => void;
    /** Wall ms between two looks at all connections. */
    readonly recheckMs: number;
  }) {
    this.#judges = parts.judges;
    this.#log = parts.log;
    this.#onDropped = parts.onDropped;
    this.#timer = setInterval(() => this.changed([{ kind: 'everything' }]), parts.recheckMs);
  }

  /** To be read before somebody is looked up for their CONNECT, and handed to `opened`. */
  get changes(): number {
    return this.#changes;
  }

  /** Somebody was let in over this connection, by what was known when `changes` was `since`. */
  opened(session: Session, connection: Cuttable, since: number): void {
    const subject = subjectOf(session);
    const { stream } = connection.incoming;
    if (stream.destroyed || subject === undefined) return;
    const sessions = this.#open.get(subject);
    if (sessions === undefined) this.#open.set(subject, new Map([[session, connection]]));
    else sessions.set(session, connection);
    stream.once('close', () => this.#closed(subject, session));
    // What it was let in by may have been read just before it changed.
    if (since !== this.#changes) this.#look([subject]);
  }

  changed(changes: readonly RegistryChange[]): void {
    this.#changes++;
    for (const change of changes) this.#look(this.#subjectsOf(change));
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #subjectsOf(change: RegistryChange): Iterable<string> {
    switch (change.kind) {
      case 'everything':
        return this.#open.keys();
      case 'device':
      case 'credentials':
        return [`device/${change.id}`];
      case 'claim_token':
      case 'account':
        return [`${change.kind}/${change.id}`];
      case 'site':
        // It may be in another district now, and so another account's.
        return [...this.#open.keys()].filter((subject) => subject.startsWith('account/'));
      case 'room':
      case 'timetable':
      case 'rule_mode':
      case 'maintenance':
        return [];
    }
  }

  #look(subjects: Iterable<string>): void {
    for (const subject of subjects) if (this.#open.has(subject)) this.#due.add(subject);
    if (!this.#working && this.#due.size > 0) void this.#work();
  }

  #closed(subject: string, session: Session): void {
    const sessions = this.#open.get(subject);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#open.delete(subject);
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#due.size > 0 && !this.#stopped) {
      const subjects = [...this.#due].slice(0, batch);
      for (const subject of subjects) this.#due.delete(subject);
      try {
        await Promise.all(
          (['device', 'claim_token', 'account'] as const).map((kind) =>
            this.#judge(
              kind,
              subjects.filter((subject) => subject.startsWith(`${kind}/`)),
            ),
          ),
        );
      } catch (error) {
        this.#log.debug(`connections can not be checked: ${messageOf(error)}`);
        for (const subject of subjects) this.#due.add(subject);
        await sleep(retryMs);
      }
    }
    this.#working = false;
  }

  async #judge(kind: Subject, subjects: readonly string[]): Promise<void> {
    if (subjects.length === 0) return;
    const verdicts = await this.#judges[kind](subjects.map((subject) => subject.slice(kind.length + 1)));
    subjects.forEach((subject, i) => {
      for (const [session, connection] of this.#open.get(subject) ?? []) {
        const reason = verdicts[i]?.(session);
        if (reason === undefined) continue;
        this.#log.info({ client: session.client }, `connection closed: ${reason}`);
        // Nor does it have a last word: its Will was written by somebody who has no say any more.
        connection.cut();
        this.#onDropped(session);
      }
    });
  }
}

function subjectOf({ device, claim, account, client }: Session): string | undefined {
  if (device !== undefined) return `device/${client}`;
  if (claim !== undefined) return `claim_token/${claim.tokenId}`;
  return account && `account/${account.name}`;
}
