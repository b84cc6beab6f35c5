import { expect, test } from 'vitest';
import { Outbox, QueueBudget } from '../../../broker/outbox.js';

const message = (payload = '') =>
  ({ topic: 't', payload: Buffer.from(payload), qos: 1, retain: false }) as const;

test('messages without a payload take room too: who hoards them meets the same bound', () => {
  const budget = new QueueBudget(100_000);
  const outbox = new Outbox(budget, { unacknowledged: 1, waiting: 10_000 });
  let taken = 0;
  while (outbox.push(message())) taken++;
  expect(taken).toBeLessThan(1000);
  expect(budget.dropped).toBe(1);
  outbox.discard();
  expect(budget.bytes).toBe(0);
});

test('a client that has acknowledged everything gets its next message though others have taken all the room', () => {
  const budget = new QueueBudget(100_000);
  const limits = { unacknowledged: 100, waiting: 10_000 };
  const hoarder = new Outbox(budget, limits);
  while (hoarder.push(message()));
  const reader = new Outbox(budget, limits);
  const sent: Buffer[] = [];
  reader.attach({ send: (bytes) => sent.push(bytes), congested: false });
  for (let i = 1; i <= 10; i++) {
    expect(reader.push(message('hello'))).toBe(true);
    expect(reader.push(message('a second one'))).toBe(false);
    reader.acknowledged(i);
  }
  expect(sent).toHaveLength(10);
  // A large one takes more than there is.
  expect(reader.push(message('x'.repeat(5000)))).toBe(false);
  hoarder.discard();
  expect(budget.bytes).toBe(0);
});

test('what waits for acknowledgements is bounded by the settings, and counted', () => {
  const budget = new QueueBudget(1_000_000);
  const outbox = new Outbox(budget, { unacknowledged: 2, waiting: 3 });
  const sent: Buffer[] = [];
  outbox.attach({ send: (bytes) => sent.push(bytes), congested: false });
  expect(Array.from({ length: 6 }, () => outbox.push(message()))).toEqual([
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
  expect([sent.length, budget.delayed, budget.dropped]).toEqual([2, 3, 1]);
});
