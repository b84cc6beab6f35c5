import { describe, expect, it } from 'vitest';
import { DeviceWatch } from '../../../ingest/device-watch.js';
import type { WatchState } from '../../../ingest/device-watch.js';

const minute = 60_000;

/** What a device's readings are told as: each arrival (s) with the lag (s) of what came then. */
function hear(arrivals: readonly (readonly [at: number, lag: number])[]): Set<string> {
  let watch = new DeviceWatch();
  const told = new Set<string>();
  for (const [at, lag] of arrivals) {
    const event = watch.clock(lag * 1000, at * 1000);
    if (event !== undefined) told.add(event);
    // As after a restart.
    watch = new DeviceWatch(JSON.parse(JSON.stringify(watch.toJSON() ?? {})) as WatchState);
  }
  return told;
}

const every = (seconds: number, count: number, lagOf: (n: number) => number) =>
  Array.from({ length: count }, (_, n) => [n * seconds, lagOf(n)] as const);

describe('a wrong clock', () => {
  it.each([
    ['an hour behind', every(60, 20, () => 3600), 'clock_behind'],
    ['six minutes behind, which is not late yet', every(60, 20, (n) => 360 + (n % 4)), 'clock_behind'],
    ['at its factory time', every(60, 20, () => 56 * 365 * 86_400), 'clock_behind'],
    ['ten minutes ahead', every(60, 20, () => -600), 'clock_ahead'],
    [
      'two minutes ahead, with some readings held up on their way',
      every(60, 30, (n) => -120 + (n % 5 === 0 ? 50 : 0)),
      'clock_ahead',
    ],
    ['of a device that reports every quarter of an hour', every(900, 12, () => 1800), 'clock_behind'],
    ['that jumps after a day', every(60, 60, (n) => (n < 30 ? 1 : 2400)), 'clock_behind'],
  ])('is found: %s', (_, arrivals, event) => {
    expect(hear(arrivals)).toEqual(new Set([event]));
  });

  it.each([
    ['a right one, with the delays of a bad network', every(60, 200, (n) => (n % 7) * 20)],
    [
      'a backlog of an hour, sent at once',
      [
        ...every(0.1, 60, (n) => 3600 - 60 * n),
        ...every(60, 20, () => 1).map(([at, lag]) => [at + 60, lag] as const),
      ],
    ],
    ['a backlog of a day that catches up slowly', every(30, 3000, (n) => Math.max(1, 86_400 - 30 * n))],
    ['a backlog, newest first', every(5, 400, (n) => 60 * n)],
    ['a backlog between live readings', every(30, 400, (n) => (n % 2 === 0 ? 2 : 7200))],
    [
      'the backlog of a battery sensor, in bundles of an hour',
      every(3600, 48, () => 2).flatMap(([at]) =>
        [0, 1, 2, 3, 4, 5].map((n) => [at, 3000 - 600 * n + 1] as const),
      ),
    ],
    ['a single time from the future', every(60, 60, (n) => (n === 20 ? -86_400 : 1))],
    ['a clock that stands still', every(60, 60, (n) => 60 * n)],
  ])('is not found in %s', (_, arrivals) => {
    expect(hear(arrivals)).toEqual(new Set());
  });

  it('is told again while it lasts, and leaves nothing to remember where there is none', () => {
    const watch = new DeviceWatch();
    const told = every(60, 120, () => 3600).filter(
      ([at, lag]) => watch.clock(lag * 1000, at * 1000) !== undefined,
    );
    expect(told.length).toBeGreaterThan(18);
    expect(told.length).toBeLessThan(24);
    const fine = new DeviceWatch();
    fine.clock(1500, minute);
    expect(fine.toJSON()).toBeUndefined();
  });
});

it('refused readings are told once a minute', () => {
  const watch = new DeviceWatch();
  const told = Array.from({ length: 100 }, (_, n) => watch.refused(n * 6000)).filter(
    (event) => event !== undefined,
  );
  expect(told).toHaveLength(10);
});
