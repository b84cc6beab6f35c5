import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startNeighbour } from '../support/neighbour.js';
import { fuzz } from '../support/packet-fuzzer.js';
import { startTrialBroker } from '../support/trial-broker.js';
import type { TrialBroker } from '../support/trial-broker.js';

let broker: TrialBroker;

beforeAll(async () => {
  broker = await startTrialBroker({ open: true });
});
afterAll(async () => {
  await broker.stop();
});

// The long version: npm run bench -- fuzz --packets 1000000
test('20,000 packets, most of them wrong, hurt nobody and leave nothing open', async () => {
  const neighbour = await startNeighbour(broker.port);
  const { packets } = await fuzz(broker.port, { packets: 20_000, seed: 1 });
  expect(packets).toBe(20_000);
  await neighbour.stop();
  expect(neighbour.rounds).toBeGreaterThan(0);
  expect(await broker.metric('pc_mqtt_violations_total')).toBeGreaterThan(100);
  expect(await broker.metric('pc_mqtt_violations_total', 'our_mistake')).toBe(0);
  await eventually('all connections to be gone', async () => (await broker.metric('pc_mqtt_sockets')) === 0);
  expect(await broker.metric('pc_mqtt_clients')).toBe(0);
  // The last Wills may still be on their way to the disk.
  await eventually(
    'nothing to be in flight',
    async () => (await broker.metric('pc_mqtt_inflight_bytes')) === 0,
  );
});
