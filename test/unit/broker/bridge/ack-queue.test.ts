import { expect, test } from 'vitest';
import { AckQueue } from '../../../../broker/bridge/ack-queue.js';
import { BackOff } from '../../../../broker/bridge/back-off.js';

test('acknowledgements leave in the order of the messages, whichever is due first', () => {
  const sent: number[] = [];
  const queue = new AckQueue();
  const due = [0, 1, 2, 3].map((i) => queue.enter(() => sent.push(i)));
  due[1]?.();
  due[2]?.();
  expect(sent).toEqual([]);
  due[0]?.();
  expect(sent).toEqual([0, 1, 2]);
  due[3]?.();
  expect(sent).toEqual([0, 1, 2, 3]);
});

test('waits double up to a minute and begin again after success', () => {
  const backOff = new BackOff(() => 1);
  expect([backOff.nextMs(), backOff.nextMs(), backOff.nextMs()]).toEqual([500, 1000, 2000]);
  for (let i = 0; i < 50; i++) backOff.nextMs();
  expect(backOff.nextMs()).toBe(60_000);
  backOff.succeeded();
  expect(backOff.nextMs()).toBe(500);
});
