import type { ClientConnection } from './client-connection.js';
import type { Qos, WantedFilter } from './guard/check-subscribe.js';
import { encodeSuback } from './wire.js';

/** Return code of a filter that was not granted. */
const refused = 0x80;

/** Aedes can't match deeper topics. */
export const maxTopicLevels = 100;

interface SubscribeHookParts {
  /** To be done before SUBACK, so that nothing published after it is missed; undefined: nothing. */
  readonly listen: (connection: ClientConnection) => Promise<void> | undefined;
  /** SUBACK is out. */
  readonly sendRetained: (connection: ClientConnection, granted: ReadonlyMap<string, Qos>) => void;
  /** Subscriptions that one client may have. */
  readonly maxSubscriptions: number;
  readonly onOverMax: () => void;
  readonly onRefused: (connection: ClientConnection, filter: string) => void;
  /** SUBACK is out. */
  readonly onGranted: (connection: ClientConnection, granted: ReadonlyMap<string, Qos>) => void;
  readonly onRemoved: (connection: ClientConnection, filters: readonly string[]) => void;
}

/**
 * Answers SUBSCRIBE and UNSUBSCRIBE in place of Aedes, which stores a filter it denies, says in SUBACK what
 * was asked for instead of what was granted, and answers a filter named twice only once. It is told of the
 * granted ones alone.
 */
export class SubscribeHook {
  readonly #parts: SubscribeHookParts;

  constructor(parts: SubscribeHookParts) {
    this.#parts = parts;
  }

  /** Answers with SUBACK, then with the retained messages of each granted filter. */
  subscribe(
    connection: ClientConnection,
    id: number,
    wanted: readonly WantedFilter[],
    done: () => void,
  ): void {
    const filters = new Set(connection.state?.subscriptions.keys());
    const codes = wanted.map(({ filter, qos }) => {
      const code = this.#grant(connection, filter, qos);
      if (code === refused || filters.has(filter)) return code;
      if (filters.size >= this.#parts.maxSubscriptions) {
        this.#parts.onOverMax();
        return refused;
      }
      filters.add(filter);
      return code;
    });
    // Of a filter named twice the last one counts: as if they had come one after the other [MQTT-3.8.4-4].
    const granted = new Map<string, Qos>();
    wanted.forEach(({ filter }, i) => {
      const code = codes[i];
      if (code === undefined || code === refused) this.#parts.onRefused(connection, filter);
      else granted.set(filter, code as Qos);
    });
    const answer = () => {
      connection.send(encodeSuback(id, codes));
      this.#parts.sendRetained(connection, granted);
      this.#parts.onGranted(connection, granted);
      done();
    };
    if (granted.size === 0) {
      answer();
      return;
    }
    for (const [filter, qos] of granted) connection.state?.subscriptions.set(filter, qos);
    const subscriptions = [...granted].map(([topic, qos]) => ({ topic, qos }));
    const subscribe = () =>
      connection.client.subscribe(subscriptions, (error) => {
        if (error) connection.destroy();
        else answer();
      });
    const listening = this.#parts.listen(connection);
    if (listening === undefined) subscribe();
    else listening.then(subscribe, () => connection.destroy());
  }

  /** Answers with UNSUBACK, whether or not the filters were subscribed to [MQTT-3.10.4-5]. */
  unsubscribe(connection: ClientConnection, id: number, filters: readonly string[], done: () => void): void {
    for (const filter of filters) connection.state?.subscriptions.delete(filter);
    this.#parts.onRemoved(connection, filters);
    const known = filters.filter((filter) => levelsOf(filter) <= maxTopicLevels);
    connection.client.unsubscribe(known as never, (error) => {
      if (error) connection.destroy();
      else connection.reply('unsuback', id);
      done();
    });
  }

  #grant(connection: ClientConnection, filter: string, qos: Qos): number {
    const { session } = connection;
    if (session === undefined || levelsOf(filter) > maxTopicLevels || !session.rights.maySubscribe(filter)) {
      return refused;
    }
    return Math.min(qos, session.maxQos);
  }
}

/** Levels of a topic or filter. */
export function levelsOf(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels++;
  return levels;
}
