import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FailureThrottle } from '../../../runtime/failure-throttle.js';
import type { Refusal } from '../../../runtime/failure-throttle.js';

const limits = { pair: 5, id: 20, address: 100, maxDelayMs: 10_000, held: 1000, heldOfAddress: 8 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How long the refusal is held back, in ms. */
async function delayOf(refusal: Promise<Refusal>): Promise<{ ms: number; refusal: Refusal }> {
  const since = Date.now();
  let answer: Refusal | undefined;
  void refusal.then((given) => (answer = given));
  await vi.advanceTimersByTimeAsync(0);
  while (answer === undefined) await vi.advanceTimersByTimeAsync(100);
  return { ms: Date.now() - since, refusal: answer };
}

test('the first failures are answered at once, the next ones later and later, up to the limit', async () => {
  const throttle = new FailureThrottle({ ...limits, maxDelayMs: 5000 });
  const delays = [];
  for (let i = 0; i < 12; i++) delays.push((await delayOf(throttle.refuse('10.0.0.1', 'd1'))).ms);
  expect(delays.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  expect(delays[5]).toBeGreaterThanOrEqual(500);
  expect(delays).toEqual([...delays].sort((a, b) => a - b));
  expect(delays.at(-1)).toBe(5000);
});

test('failures fade, and are forgotten once the id gets in', async () => {
  const throttle = new FailureThrottle(limits);
  for (let i = 0; i < 8; i++) await delayOf(throttle.refuse('10.0.0.1', 'd1'));
  expect((await delayOf(throttle.refuse('10.0.0.1', 'd1'))).ms).toBeGreaterThan(0);
  throttle.succeeded('10.0.0.1', 'd1');
  expect((await delayOf(throttle.refuse('10.0.0.1', 'd1'))).ms).toBe(0);
  for (let i = 0; i < 8; i++) await delayOf(throttle.refuse('10.0.0.1', 'd2'));
  await vi.advanceTimersByTimeAsync(4 * 60_000);
  expect((await delayOf(throttle.refuse('10.0.0.1', 'd2'))).ms).toBe(0);
});

test('an id is slowed that fails from everywhere, and an address where everybody fails', async () => {
  const throttle = new FailureThrottle(limits);
  for (let i = 0; i < 20; i++) await delayOf(throttle.refuse(`10.0.1.${i}`, 'd1'));
  expect((await delayOf(throttle.refuse('10.0.2.1', 'd1'))).refusal).toMatchObject({ slowedBy: 'id' });
  for (let i = 0; i < 100; i++) await throttle.refuse('10.0.0.9', `e${i % 60}`);
  expect((await delayOf(throttle.refuse('10.0.0.9', 'f1'))).refusal).toMatchObject({ slowedBy: 'address' });
  expect((await delayOf(throttle.refuse('10.0.0.8', 'f1'))).ms).toBe(0);
});

test('tells once that somebody is being slowed', async () => {
  const throttle = new FailureThrottle(limits);
  const firsts = [];
  for (let i = 0; i < 10; i++) firsts.push((await delayOf(throttle.refuse('10.0.0.1', 'd1'))).refusal.first);
  expect(firsts.filter(Boolean)).toHaveLength(1);
});

test('holds back few refusals for one address and a bounded number in all', async () => {
  const throttle = new FailureThrottle({ ...limits, pair: 0, id: 1000, address: 100_000 });
  let answered = 0;
  for (let i = 0; i < 100; i++) void throttle.refuse('10.0.0.1', 'd1').then(() => answered++);
  await vi.advanceTimersByTimeAsync(0);
  expect(throttle.held).toBe(8);
  expect(answered).toBe(92);
  for (let i = 0; i < 5000; i++)
    void throttle.refuse(`10.1.${i >> 8}.${i & 255}`, 'd1').then(() => answered++);
  await vi.advanceTimersByTimeAsync(0);
  expect(throttle.held).toBe(1000);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(throttle.held).toBe(0);
  expect(answered).toBe(5100);
});

test('remembers a bounded number, whatever it is flooded with', async () => {
  const throttle = new FailureThrottle(limits);
  const long = 'x'.repeat(5000);
  for (let i = 0; i < 30_000; i++) void throttle.refuse(`2001:db8:${i.toString(16)}::/64`, `${i}${long}`);
  await vi.advanceTimersByTimeAsync(0);
  expect(throttle.remembered).toBeLessThanOrEqual(30_000);
});
