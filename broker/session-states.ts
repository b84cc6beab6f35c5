import type { Qos } from './guard/check-subscribe.js';
import { topicMatches } from './acl.js';
import { Outbox } from './outbox.js';
import type { Link, OutboxLimits, QueueBudget } from './outbox.js';

/** What MQTT calls the session state of a client; it outlives the connection where the client asks for that. */
export class SessionState {
  /** Whether an earlier connection left it here. */
  resumed = false;
  readonly outbox: Outbox;
  /** QoS 2 messages from the client, by packet identifier, until its PUBREL. */
  readonly inbound = new Map<number, 'logging' | 'taken'>();
  /** What was granted, for when the client is away; while it is here its connection knows. */
  readonly subscriptions = new Map<string, Qos>();
  /** The connection that the client now gets its messages over. */
  link: Link | undefined;

  constructor(budget: QueueBudget, limits: OutboxLimits) {
    this.outbox = new Outbox(budget, limits);
  }

  discard(): void {
    this.outbox.discard();
    this.inbound.clear();
    this.subscriptions.clear();
  }
}

/** Clients that are away and have a session here; when there are more, the one away longest loses its own. */
const maxAway = 1000;

/** The session states of all clients: kept ones by client id, in memory. */
export class SessionStates {
  readonly #budget: QueueBudget;
  readonly #limits: OutboxLimits;
  readonly #kept = new Map<string, SessionState>();
  /** In the order in which they went. */
  readonly #away = new Set<string>();

  constructor(budget: QueueBudget, limits: OutboxLimits) {
    this.#budget = budget;
    this.#limits = limits;
  }

  /** The state for a connection that begins: new and its own when `clean`, else the client's [MQTT-3.1.2-4]. */
  open(clientId: string, clean: boolean): SessionState {
    const known = this.#kept.get(clientId);
    if (!clean && known !== undefined) {
      known.resumed = true;
      return known;
    }
    // [MQTT-3.1.2-6]
    known?.discard();
    this.#kept.delete(clientId);
    this.#away.delete(clientId);
    const state = new SessionState(this.#budget, this.#limits);
    if (!clean) {
      this.#kept.set(clientId, state);
      this.#leave(clientId);
    }
    return state;
  }

  /** The kept state of this client. */
  get(clientId: string): SessionState | undefined {
    return this.#kept.get(clientId);
  }

  /** The client is there: what is for it goes over this link, and first of all what it missed. */
  attach(clientId: string, state: SessionState, link: Link): void {
    this.#away.delete(clientId);
    state.link = link;
    state.outbox.attach(link);
  }

  /** The link is gone; the state stays where it is to be kept. Of no effect when the client has a newer link. */
  detach(clientId: string, state: SessionState, link: Link): void {
    if (state.link !== link && state.link !== undefined) return;
    state.link = undefined;
    state.outbox.detach(link);
    if (this.#kept.get(clientId) === state) this.#leave(clientId);
    else state.discard();
  }

  /** Sessions kept for clients that are away and subscribed to this topic, with the QoS granted for it. */
  *awaiting(topic: string): Generator<[SessionState, Qos]> {
    for (const clientId of this.#away) {
      const state = this.#kept.get(clientId);
      const granted = state && highestGrant(state.subscriptions, topic);
      if (state !== undefined && granted !== undefined && granted > 0) yield [state, granted];
    }
  }

  #leave(clientId: string): void {
    this.#away.delete(clientId);
    this.#away.add(clientId);
    if (this.#away.size <= maxAway) return;
    const [longest] = this.#away;
    if (longest === undefined) return;
    this.#away.delete(longest);
    this.#kept.get(longest)?.discard();
    this.#kept.delete(longest);
  }
}

/** The highest QoS granted to any filter that matches the topic [MQTT-3.3.5-1]; undefined where none does. */
export function highestGrant(grants: Iterable<readonly [string, Qos]>, topic: string): Qos | undefined {
  let highest: Qos | undefined;
  for (const [filter, qos] of grants) {
    if ((highest === undefined || qos > highest) && topicMatches(filter, topic)) highest = qos;
  }
  return highest;
}
