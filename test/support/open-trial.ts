import { afterAll, afterEach, beforeAll } from 'vitest';
import { RawClient } from './raw-client.js';
import { startTrialBroker } from './trial-broker.js';
import type { TrialBroker } from './trial-broker.js';

/** What a test file with one open broker works with. */
export interface OpenTrial {
  readonly broker: TrialBroker;
  /** A client that is connected, until the end of the test. */
  readonly connect: (options?: Parameters<typeof RawClient.connect>[1]) => Promise<RawClient>;
  /** A socket that has said nothing yet, until the end of the test. */
  readonly open: () => Promise<RawClient>;
}

/** Gives a test file a broker that is open to any client, from its first test to its last. */
export function useOpenTrial(): OpenTrial {
  let broker: TrialBroker;
  const clients: RawClient[] = [];
  beforeAll(async () => {
    broker = await startTrialBroker({ open: true });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });
  afterAll(async () => {
    await broker.stop();
  });
  const keep = (client: RawClient) => {
    clients.push(client);
    return client;
  };
  return {
    get broker() {
      return broker;
    },
    connect: async (options) => keep(await RawClient.connect(broker.port, options)),
    open: async () => keep(await RawClient.open(broker.port)),
  };
}
