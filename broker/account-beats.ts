import { clientOfAccount } from '../ingest/log/bridge-name.js';
import type { LogWriter } from '../ingest/log/log.js';
import type { Clock } from '../runtime/clock.js';
import { BridgeBeat } from './bridge-beat.js';
import type { AccountGrounds, Session } from './session.js';

interface Open {
  readonly sessions: Set<Session>;
  readonly beat: BridgeBeat;
}

/**
 * Says in the log which bridge accounts are connected to this broker: when the one that devices are heard through is
 * gone, nobody knows how they are.
 */
export class AccountBeats {
  readonly #parts: { readonly log: LogWriter; readonly shards: number; readonly clock: Clock };
  /** By account and what it may do: with other sites it is told of elsewhere. */
  readonly #open = new Map<string, Open>();

  constructor(parts: { readonly log: LogWriter; readonly shards: number; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /** A client was let in; one that is no bridge account's is none of our business. */
  opened(session: Session): void {
    const { account } = session;
    if (account?.kind !== 'bridge') return;
    const key = keyOf(account);
    let open = this.#open.get(key);
    if (open === undefined) {
      const { name, sites } = account;
      const sessions = new Set<Session>();
      const isConnected = () => sessions.size > 0;
      const onIdle = () => {
        if (this.#open.get(key)?.sessions === sessions) this.#open.delete(key);
      };
      const beat = new BridgeBeat({
        client: clientOfAccount(name),
        sites,
        isConnected,
        onIdle,
        ...this.#parts,
      });
      this.#open.set(key, (open = { sessions, beat }));
    }
    open.sessions.add(session);
  }

  /** Its connection is over. Another broker that has one of the account says so within seconds. */
  ended(session: Session): void {
    if (session.account !== undefined) this.#open.get(keyOf(session.account))?.sessions.delete(session);
  }

  stop(): void {
    for (const { beat } of this.#open.values()) beat.stop();
    this.#open.clear();
  }
}

function keyOf({ name, sites }: AccountGrounds): string {
  return [name, ...sites].join(' ');
}
