import { Readable } from 'node:stream';
import type { Client, Subscription } from 'aedes';
import type { SessionStates } from './session-states.js';

type Id = Pick<Client, 'id'>;

/**
 * Stands among a client's stored subscriptions to make Aedes say "session present" also of a session without
 * any, and is never granted itself.
 */
export const sessionMark: Subscription = { topic: 'session', qos: 0 };

/**
 * What Aedes is given to keep things in: it reads the subscriptions of kept sessions from here. All that it
 * would write is kept by us already, or need not be kept: a Will that is stored beside the one in memory is
 * only ever deleted by the wrong client.
 */
export function createPersistence(states: SessionStates): object {
  const nothing = () => Promise.resolve();
  return {
    // Aedes insists on an async function.
    async setup() {
      await nothing();
    },
    subscriptionsByClient({ id }: Id): Promise<Subscription[]> {
      const state = states.get(id);
      if (state?.resumed !== true) return Promise.resolve([]);
      const stored = [...state.subscriptions].map(([topic, qos]) => ({ topic, qos }));
      return Promise.resolve([sessionMark, ...stored]);
    },
    addSubscriptions: nothing,
    removeSubscriptions: nothing,
    cleanSubscriptions: nothing,
    putWill: nothing,
    delWill: nothing,
    streamWill: () => Readable.from([]),
    createRetainedStreamCombi: () => Readable.from([]),
    outgoingStream: () => Readable.from([]),
    outgoingEnqueue: nothing,
  };
}
