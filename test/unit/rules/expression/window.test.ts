import { describe, expect, it } from 'vitest';
import type { Metric } from '../../../../devices/metric.js';
import { aggregates } from '../../../../rules/expression/aggregate.js';
import type { Aggregate } from '../../../../rules/expression/aggregate.js';
import { createMetricWindow } from '../../../../rules/expression/window.js';
import type { Window } from '../../../../rules/expression/window.js';
import { createSight } from '../../../../rules/expression/sight.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';

const minute = 60_000;
const co2: Metric = { kind: 'number', unit: 'ppm', min: 0, max: 5000, en: 'CO2', zh: '二氧化碳' };
const windowOf = (aggregate: Aggregate, lengthMs: number) =>
  createMetricWindow(aggregate, 'co2_ppm', co2, lengthMs);

type Values = readonly (readonly [at: number, value: number])[];

/** A window with cells of its own, which are more when it asks for more. */
class Kept {
  readonly window: Window;
  cells = new Float64Array(0);

  constructor(window: Window) {
    this.window = window;
    this.#grow();
  }

  add(at: number, value: number): this {
    const sight = { ...createSight(), at };
    while (!this.window.take(this.cells, 0, this.cells.length, value, sight)) this.#grow();
    return this;
  }

  read(aggregate: Aggregate, at: number, q?: number): number {
    return this.window.question(aggregate, q)(this.cells, 0, { ...createSight(), at });
  }

  pack(): number[] {
    return this.window.pack(this.cells, 0) ?? [];
  }

  #grow(): void {
    const packed = this.pack();
    const size = this.window.sizes.find((each) => each > this.cells.length);
    if (size === undefined) throw new Error('There are no more cells.');
    this.cells = new Float64Array(size);
    if (packed.length > 0) this.window.unpack(packed, this.cells, 0, size);
  }
}

function fill(aggregate: Aggregate, lengthMs: number, values: Values, q?: number) {
  const kept = new Kept(windowOf(aggregate, lengthMs));
  for (const [at, value] of values) kept.add(at, value);
  return { kept, read: (at: number) => kept.read(aggregate, at, q) };
}

/** The answer by going through all values, in the order of their times. */
function expected(aggregate: Aggregate, values: Values, lengthMs: number): number {
  const numbers = values.map(([, value]) => value);
  const steps = numbers.slice(1).map((after, i) => [numbers[i] ?? NaN, after] as const);
  const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0);
  const mean = sum(numbers) / numbers.length;
  const [first, last] = [values[0], values.at(-1)];
  const spanMs = (last?.[0] ?? 0) - (first?.[0] ?? 0);
  const change = spanMs === 0 ? NaN : (last?.[1] ?? NaN) - (first?.[1] ?? NaN);
  switch (aggregate) {
    case 'mean':
      return mean;
    case 'count':
      return numbers.length;
    case 'min':
      return numbers.length === 0 ? NaN : Math.min(...numbers);
    case 'max':
      return numbers.length === 0 ? NaN : Math.max(...numbers);
    case 'stddev':
      return Math.sqrt(sum(numbers.map((value) => (value - mean) ** 2)) / numbers.length);
    case 'level_shift':
      return levelShift(values, lengthMs);
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

function levelShift(values: Values, lengthMs: number): number {
  const newestAt = values.at(-1)?.[0] ?? 0;
  const half = (isNew: boolean) =>
    values.filter(([at]) => at > newestAt - lengthMs / 2 === isNew).map(([, value]) => value);
  const [before, after] = [half(false), half(true)];
  if (before.length < 5 || after.length < 5) return NaN;
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const squares = (numbers: readonly number[]) =>
    numbers.reduce((sum, value) => sum + (value - mean(numbers)) ** 2, 0);
  const spread = Math.sqrt((squares(before) + squares(after)) / values.length);
  return (mean(after) - mean(before)) / Math.max(spread, Math.abs(mean(before)) / 1000);
}

describe('a sliding window', () => {
  it.each(aggregates.map((aggregate) => [aggregate] as const))(
    'gives the exact %s of minute readings, whatever gaps and detours they make',
    (aggregate) => {
      const random = seededRandom(7);
      const values: [number, number][] = [];
      for (let i = 0; i < 300; i++)
        if (random() > 0.3) values.push([1_000_000_000 + i * minute, Math.floor(random() * 10)]);
      // Some come a little late.
      for (let i = 1; i < values.length; i += 5)
        values.splice(i - 1, 2, ...values.slice(i - 1, i + 1).reverse());

      const lengthMs = 15 * minute;
      const kept = new Kept(windowOf(aggregate, lengthMs));
      const seen: [number, number][] = [];
      let newestAt = 0;
      for (const [at, value] of values) {
        kept.add(at, value);
        seen.push([at, value]);
        newestAt = Math.max(newestAt, at);
        const within = seen.filter(([time]) => time > newestAt - lengthMs).toSorted((a, b) => a[0] - b[0]);
        const answer = kept.read(aggregate, newestAt, 0.5);
        const oracle = expected(aggregate, within, lengthMs);
        if (Number.isNaN(oracle)) expect(answer).toBeNaN();
        else expect(answer).toBeCloseTo(oracle, 9);
      }
    },
  );

  it.each([0.05, 0.5, 0.9, 0.99])('finds the %f quantile of many readings close to its rank', (q) => {
    const random = seededRandom(11);
    // Seldom high, as times of answers are.
    const values = Array.from({ length: 3600 }, (_, i) => [i * 1000, 20 / (0.02 + random())] as const);
    const { kept, read } = fill('quantile', 60 * minute, values, q);
    const found = read(60 * minute - 1);
    const rank = values.filter(([, value]) => value <= found).length / values.length;
    expect(Math.abs(rank - q)).toBeLessThan(0.05);
    expect(kept.pack().length).toBeLessThanOrEqual(22 * 21);
  });

  it('keeps the spread of large values that hardly differ', () => {
    const values = Array.from({ length: 600 }, (_, i) => [i * 500, 1e9 + (i % 2)] as const);
    expect(fill('stddev', 5 * minute, values).read(5 * minute - 1)).toBeCloseTo(0.5, 9);
  });

  it('is empty again when all has left it', () => {
    const { read } = fill('mean', 5 * minute, [[0, 900]]);
    expect(read(5 * minute - 1)).toBe(900);
    expect(read(5 * minute)).toBeNaN();
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
    const { kept, read } = fill('mean', 5 * minute, readings);
    expect(kept.pack().length).toBeLessThanOrEqual(2 + 22 * 3);
    expect(read(5 * minute - 1)).toBeCloseTo(0.5, 5);
  });

  it('comes back from its checkpoint unchanged', () => {
    for (const aggregate of aggregates) {
      const { kept } = fill(aggregate, 5 * minute, [
        [1_700_000_000_123, 20.1],
        [1_700_000_060_456, 20.3],
        [1_700_000_120_001, 19.7],
      ]);
      const packed = JSON.parse(JSON.stringify(kept.pack())) as number[];
      const restored = new Kept(kept.window);
      expect(kept.window.unpack(packed, restored.cells, 0, restored.cells.length)).toBe(true);
      expect(restored.pack()).toEqual(packed);
      const at = 1_700_000_240_000;
      expect(restored.add(at, 20).read(aggregate, at, 0.5)).toBe(kept.add(at, 20).read(aggregate, at, 0.5));
    }
  });
});
