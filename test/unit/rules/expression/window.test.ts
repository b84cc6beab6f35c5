import { describe, expect, it } from 'vitest';
import type { Metric } from '../../../../devices/metric.js';
import { aggregates } from '../../../../rules/expression/aggregate.js';
import type { Aggregate } from '../../../../rules/expression/aggregate.js';
import { createMetricWindow } from '../../../../rules/expression/window.js';
import type { Window, WindowKind } from '../../../../rules/expression/window.js';
import { createSight } from '../../../../rules/expression/sight.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';

const minute = 60_000;
const co2: Metric = { kind: 'number', unit: 'ppm', min: 0, max: 5000, en: 'CO2', zh: '二氧化碳' };
const windowOf = (aggregate: Aggregate, lengthMs: number, kind?: WindowKind) =>
  createMetricWindow(aggregate, 'co2_ppm', co2, lengthMs, kind);

type Values = readonly (readonly [at: number, value: number])[];

/** A window with cells of its own, which are more when it asks for more. */
class Kept {
  readonly window: Window;
  cells = new Float64Array(0);

  constructor(window: Window) {
    this.window = window;
    this.#grow();
  }

  add(at: number, value: number, intervalS = 60): this {
    const device = { id: 'd1', site: 's1', deviceClass: 'sensor', intervalS } as const;
    const sight = { ...createSight(), device, at };
    while (!this.window.take(this.cells, 0, this.cells.length, value, sight)) this.#grow();
    return this;
  }

  read(aggregate: Aggregate, at: number, q?: number): number {
    return this.window.question(aggregate, q)(this.cells, 0, { ...createSight(), at });
  }

  pack(): number[] {
    return this.window.pack(this.cells, 0) ?? [];
  }

  /** Its like, from what is in the checkpoint. */
  restored(): Kept {
    const packed = JSON.parse(JSON.stringify(this.pack())) as number[];
    const restored = new Kept(this.window);
    while (packed.length > 0 && !this.window.unpack(packed, restored.cells, 0, restored.cells.length))
      restored.#grow();
    return restored;
  }

  #grow(): void {
    const packed = this.pack();
    const size = this.window.sizes.find((each) => each > this.cells.length);
    if (size === undefined) throw new Error('There are no more cells.');
    this.cells = new Float64Array(size);
    if (packed.length > 0) this.window.unpack(packed, this.cells, 0, size);
  }
}

function fill(aggregate: Aggregate, lengthMs: number, values: Values, q?: number, intervalS?: number) {
  const kept = new Kept(windowOf(aggregate, lengthMs));
  for (const [at, value] of values) kept.add(at, value, intervalS);
  return { kept, read: (at: number) => kept.read(aggregate, at, q) };
}

/** A value that stands for the time from one time to another. */
interface Piece {
  readonly from: number;
  readonly at: number;
  readonly value: number;
}

/** What each value stands for, in the order of their times. */
function piecesOf(values: Values, intervalMs: number): Piece[] {
  return values.map(([at, value], i) => {
    const before = values[i - 1]?.[0];
    return {
      from: before === undefined ? at - intervalMs : Math.max(before, at - 2 * intervalMs),
      at,
      value,
    };
  });
}

/** Weight, mean and squared differences of what stands for the time from one time to another. */
function weigh(pieces: readonly Piece[], from: number, until: number) {
  const inside = pieces
    .map((piece) => ({ ...piece, weight: Math.min(piece.at, until) - Math.max(piece.from, from) }))
    .filter(({ weight }) => weight > 0);
  const sum = (term: (piece: (typeof inside)[number]) => number) =>
    inside.reduce((all, piece) => all + piece.weight * term(piece), 0);
  const weight = sum(() => 1);
  const mean = sum(({ value }) => value) / weight;
  const count = inside.reduce((all, piece) => all + piece.weight / (piece.at - piece.from), 0);
  return { weight, mean, squares: sum(({ value }) => (value - mean) ** 2), count };
}

/** The answer by going through all values, in the order of their times. */
function expected(aggregate: Aggregate, all: Values, at: number, lengthMs: number, intervalMs = minute) {
  const startsAfter = at - lengthMs;
  const values = all.filter(([time]) => time > startsAfter);
  const pieces = piecesOf(all, intervalMs);
  const whole = weigh(pieces, startsAfter, at);
  const numbers = values.map(([, value]) => value);
  const steps = numbers.slice(1).map((after, i) => [numbers[i] ?? NaN, after] as const);
  const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0);
  const [first, last] = [values[0], values.at(-1)];
  const spanMs = (last?.[0] ?? 0) - (first?.[0] ?? 0);
  const change = spanMs === 0 ? NaN : (last?.[1] ?? NaN) - (first?.[1] ?? NaN);
  switch (aggregate) {
    case 'mean':
      return whole.mean;
    case 'coverage':
      return whole.weight / lengthMs;
    case 'count':
      return numbers.length;
    case 'min':
      return numbers.length === 0 ? NaN : Math.min(...numbers);
    case 'max':
      return numbers.length === 0 ? NaN : Math.max(...numbers);
    case 'stddev':
      return Math.sqrt(whole.squares / whole.weight);
    case 'level_shift':
      return levelShift(pieces, startsAfter, at - lengthMs / 2, at);
    case 'change':
      return change;
    case 'rate':
      return 2 * spanMs < lengthMs ? NaN : (change / spanMs) * 60 * minute;
    case 'changes':
      return steps.filter(([before, after]) => before !== after).length;
    case 'increase':
      return sum(steps.map(([before, after]) => (after >= before ? after - before : after)));
    case 'resets':
      return steps.filter(([before, after]) => after < before).length;
    case 'quantile':
      return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length / 2) - 1] ?? NaN;
  }
}

function levelShift(pieces: readonly Piece[], from: number, middle: number, until: number): number {
  const [before, after] = [weigh(pieces, from, middle), weigh(pieces, middle, until)];
  if (before.count < 5 - 1e-6 || after.count < 5 - 1e-6) return NaN;
  const spread = Math.sqrt((before.squares + after.squares) / (before.weight + after.weight));
  return (after.mean - before.mean) / Math.max(spread, Math.abs(before.mean) / 1000);
}

const byTime = (values: Values): Values => values.toSorted((a, b) => a[0] - b[0]);

describe('a sliding window', () => {
  it.each(aggregates.map((aggregate) => [aggregate] as const))(
    'gives the exact %s of readings with gaps, some of which come late',
    (aggregate) => {
      const random = seededRandom(7);
      const values: [number, number][] = [];
      for (let i = 0; i < 300; i++)
        if (random() > 0.3)
          values.push([
            1_000_000_000 + i * minute + Math.floor(random() * 10_000),
            Math.floor(random() * 10),
          ]);
      // Each stands in a bucket of its own, as long as that is a twentieth of the window.
      const lengthMs = 15 * minute;
      for (let i = 4; i < values.length; i += 5)
        values.splice(i - 1, 2, ...values.slice(i - 1, i + 1).reverse());

      let kept = new Kept(windowOf(aggregate, lengthMs));
      const seen: [number, number][] = [];
      let newestAt = 0;
      for (const [at, value] of values) {
        kept.add(at, value);
        seen.push([at, value]);
        newestAt = Math.max(newestAt, at);
        if (random() < 0.1) kept = kept.restored();
        for (const askedAt of [newestAt, newestAt + Math.floor(random() * minute)]) {
          const answer = kept.read(aggregate, askedAt, 0.5);
          const oracle = expected(aggregate, byTime(seen), askedAt, lengthMs);
          if (Number.isNaN(oracle)) expect(answer).toBeNaN();
          else expect(answer).toBeCloseTo(oracle, 8);
        }
      }
    },
  );

  it.each([
    ['mean', 2],
    ['coverage', 0.01],
    ['stddev', 2],
    ['count', 8],
    ['min', 4],
    ['max', 4],
    ['change', 8],
    ['rate', 8],
    ['changes', 12],
  ] as const)(
    'gives the %s to within %f where intervals change, reports are lost, and others come late',
    (aggregate, tolerance) => {
      const random = seededRandom(23);
      const lengthMs = 60 * minute;
      let kept = new Kept(windowOf(aggregate, lengthMs));
      const seen: [number, number][] = [];
      const late: [number, number][] = [];
      let at = 1_700_000_000_000;
      let isFast = false;
      let level = 50;
      for (let i = 0; i < 1600; i++) {
        if (random() < 0.01) isFast = !isFast;
        at += isFast ? 10_000 : minute;
        if (random() < 0.002) at += 20 * minute;
        level += (random() - 0.5) * 4;
        const value = Math.round(level);
        if (random() < 0.03) continue;
        if (random() < 0.03) {
          late.push([at, value]);
          continue;
        }
        kept.add(at, value);
        seen.push([at, value]);
        if (random() < 0.2)
          for (const [lateAt, lateValue] of late.splice(0)) {
            kept.add(lateAt, lateValue);
            seen.push([lateAt, lateValue]);
          }
        if (random() < 0.02) kept = kept.restored();
        if (i < 100 || i % 5 > 0) continue;
        const askedAt = at + Math.floor(random() * minute);
        const near = seen.slice(-500);
        const oracle = expected(aggregate, byTime(near), askedAt, lengthMs);
        const answer = kept.read(aggregate, askedAt);
        if (Number.isNaN(oracle)) expect(answer).toBeNaN();
        else if (!(Math.abs(answer - oracle) <= tolerance)) expect([i, answer]).toEqual([i, oracle]);
      }
    },
  );

  it('weighs values by the time that they stand for', () => {
    const slow = Array.from({ length: 50 }, (_, i) => [(i + 1) * minute, 0.02] as const);
    const fast = Array.from({ length: 60 }, (_, i) => [50 * minute + (i + 1) * 10_000, 0.15] as const);
    const { read, kept } = fill('mean', 60 * minute, [...slow, ...fast]);
    expect(read(60 * minute)).toBeCloseTo((50 * 0.02 + 10 * 0.15) / 60, 9);
    expect(kept.read('coverage', 60 * minute)).toBe(1);
    // Of an hour of silence nothing is known.
    expect(kept.read('coverage', 90 * minute)).toBe(0.5);
  });

  it('leaves gradually', () => {
    const values = Array.from({ length: 360 }, (_, i) => [(i + 1) * 10_000, i < 180 ? 0 : 100] as const);
    const { read } = fill('mean', 60 * minute, values, NaN, 10);
    for (let m = 60; m < 90; m += 0.25) {
      const low = 90 - m;
      expect(read(m * minute)).toBeCloseTo((30 * 100) / (30 + low), 6);
    }
  });

  it('lets what a counter has grown leave gradually', () => {
    const values = Array.from({ length: 1000 }, (_, i) => [i * 10_000, 3 * i] as const);
    const { read, kept } = fill('increase', 60 * minute, values.slice(0, 400));
    for (const [at, value] of values.slice(400)) {
      kept.add(at, value);
      // Within one step.
      expect(Math.abs(read(at) - 3 * 359)).toBeLessThanOrEqual(3);
      expect(Math.abs(kept.read('change', at) - 3 * 359)).toBeLessThanOrEqual(3);
    }
  });

  it('counts events by their own times', () => {
    const hours = 60 * minute;
    const { kept } = fill('count', 24 * hours, [
      [0, 1],
      [1.18 * hours, 1],
      [25.15 * hours, 1],
    ]);
    expect(kept.read('count', 25.15 * hours)).toBe(2);
    expect(kept.read('count', 25.19 * hours)).toBe(1);
  });

  it('counts many events to within a few, in few cells', () => {
    const random = seededRandom(3);
    const values: [number, number][] = [];
    for (let at = 0, i = 0; i < 5000; i++) {
      at += random() < 0.02 ? 20 * minute * random() : 5000 * random();
      values.push([Math.floor(at), 1]);
    }
    const kept = new Kept(windowOf('count', 60 * minute));
    values.forEach(([at], i) => {
      kept.add(at, 1);
      if (i < 200) return;
      const exact = values.slice(0, i + 1).filter(([time]) => time > at - 60 * minute).length;
      expect(Math.abs(kept.read('count', at) - exact)).toBeLessThanOrEqual(Math.max(2, exact * 0.03));
    });
    expect(kept.pack().length).toBeLessThanOrEqual(22 * 3);
  });

  it('finds the farthest out also where values fall steadily', () => {
    const values = Array.from({ length: 2000 }, (_, i) => [i * 10_000, 4000 - 2 * i] as const);
    const kept = new Kept(windowOf('max', 60 * minute));
    values.forEach(([at, value], i) => {
      const exact = 4000 - 2 * Math.max(0, i - 359);
      expect(Math.abs(kept.add(at, value).read('max', at) - exact)).toBeLessThanOrEqual(2 * 360 * 0.15);
    });
    expect(kept.pack().length).toBeLessThanOrEqual(2 * 22);
  });

  it.each([0.05, 0.5, 0.9, 0.99])('finds the %f quantile of many readings close to its rank', (q) => {
    const random = seededRandom(11);
    // Seldom high, as times of answers are.
    const values = Array.from({ length: 3600 }, (_, i) => [i * 1000, 20 / (0.02 + random())] as const);
    const { kept, read } = fill('quantile', 60 * minute, values, q);
    const found = read(60 * minute - 1);
    const rank = values.filter(([, value]) => value <= found).length / values.length;
    expect(Math.abs(rank - q)).toBeLessThan(0.05);
    expect(kept.pack().length).toBeLessThanOrEqual(22 * 19);
  });

  it.each([2, 3, 4, 8])('finds the quantile of what repeats every %i readings', (period) => {
    const values = Array.from({ length: 1440 }, (_, i) => [i * minute, i % period === 0 ? 80 : 40] as const);
    const { kept } = fill('quantile', 24 * 60 * minute, values);
    const share = 1 / period;
    const at = 1440 * minute - 1;
    expect(kept.read('quantile', at, 1 - share + 0.08)).toBe(80);
    expect(kept.read('quantile', at, 1 - share - 0.08)).toBe(40);
  });

  it('keeps the spread of large values that hardly differ', () => {
    const values = Array.from({ length: 600 }, (_, i) => [i * 500, 1e9 + (i % 2)] as const);
    expect(fill('stddev', 5 * minute, values, NaN, 0.5).read(5 * minute - 500)).toBeCloseTo(0.5, 9);
  });

  it('is empty again when all has left it', () => {
    const { read, kept } = fill('mean', 5 * minute, [[0, 900]]);
    expect(read(5 * minute - 1)).toBe(900);
    expect(read(5 * minute)).toBeNaN();
    expect(kept.read('coverage', 5 * minute)).toBe(0);
  });

  it('ignores a value that is older than the window is long', () => {
    const { kept, read } = fill('max', 5 * minute, [
      [10 * minute, 3],
      [5 * minute, 99],
    ]);
    expect(read(10 * minute)).toBe(3);
    expect(kept.pack()).toEqual([10 * minute, 3]);
  });

  it('stays small however many readings come, and loses none of them', () => {
    const readings = Array.from({ length: 6000 }, (_, i) => [i * 50, i % 2] as const);
    const { kept, read } = fill('mean', 5 * minute, readings, NaN, 0.05);
    expect(kept.pack().length).toBeLessThanOrEqual(2 + 22 * 3);
    expect(read(5 * minute - 50)).toBeCloseTo(0.5, 5);
  });

  it('comes back from its checkpoint unchanged', () => {
    for (const aggregate of aggregates) {
      const { kept } = fill(aggregate, 5 * minute, [
        [1_700_000_000_123, 20.1],
        [1_700_000_060_456, 20.3],
        [1_700_000_120_001, 19.7],
      ]);
      const restored = kept.restored();
      expect(restored.pack()).toEqual(kept.pack());
      const at = 1_700_000_240_000;
      expect(restored.add(at, 20).read(aggregate, at, 0.5)).toBe(kept.add(at, 20).read(aggregate, at, 0.5));
    }
  });
});

describe('a stretch of the clock', () => {
  it.each(['mean', 'coverage', 'stddev'] as const)('knows the %s of the last one', (aggregate) => {
    const random = seededRandom(31);
    const hour = 60 * minute;
    let kept = new Kept(windowOf(aggregate, hour, 'tumbling'));
    const seen: [number, number][] = [];
    const start = 480_000 * hour;
    let at = start + 7000;
    for (let i = 0; i < 1200; i++) {
      const interval = i % 400 < 300 ? minute : 10_000;
      at += interval;
      if (random() < 0.05) continue;
      const value = Math.round(20 + 10 * random());
      kept.add(at, value);
      seen.push([at, value]);
      if (random() < 0.05) kept = kept.restored();
      const ended = Math.floor(at / hour) * hour;
      if (ended <= start) continue;
      const oracle = expected(
        aggregate,
        seen.slice(-800).filter(([time]) => time <= at),
        ended,
        hour,
      );
      expect(kept.read(aggregate, at)).toBeCloseTo(oracle, 4);
    }
  });
});
