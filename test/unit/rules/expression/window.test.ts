import { describe, expect, it } from 'vitest';
import {
  addToWindow,
  aggregates,
  createWindow,
  packWindow,
  readWindow,
  unpackWindow,
} from '../../../../rules/expression/window.js';
import type { Aggregate } from '../../../../rules/expression/window.js';
import { seededRandom } from '../../../../simulators/city/seeded-random.js';

const minute = 60_000;

function fill(
  aggregate: Aggregate,
  lengthMs: number,
  values: readonly (readonly [at: number, value: number])[],
) {
  const window = createWindow(aggregate, 'co2_ppm', lengthMs);
  const content: number[] = [];
  for (const [at, value] of values) addToWindow(window, content, at, value);
  return { content, read: (at: number) => readWindow(window, content, at) };
}

function expected(aggregate: Aggregate, values: readonly number[]): number {
  if (values.length === 0) return NaN;
  if (aggregate === 'min') return Math.min(...values);
  if (aggregate === 'max') return Math.max(...values);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a sliding window', () => {
  it.each(aggregates)(
    'gives the exact %s of minute readings, whatever gaps and detours they make',
    (aggregate) => {
      const random = seededRandom(7);
      const values: [number, number][] = [];
      for (let i = 0; i < 300; i++)
        if (random() > 0.3) values.push([1_000_000_000 + i * minute, Math.floor(random() * 1000)]);
      // Some come a little late.
      for (let i = 1; i < values.length; i += 5)
        values.splice(i - 1, 2, ...values.slice(i - 1, i + 1).reverse());

      const window = createWindow(aggregate, 'co2_ppm', 15 * minute);
      const content: number[] = [];
      const seen: [number, number][] = [];
      let newestAt = 0;
      for (const [at, value] of values) {
        addToWindow(window, content, at, value);
        seen.push([at, value]);
        newestAt = Math.max(newestAt, at);
        const within = seen.filter(([time]) => time > newestAt - 15 * minute).map(([, it]) => it);
        expect(readWindow(window, content, newestAt)).toBeCloseTo(expected(aggregate, within), 9);
      }
    },
  );

  it('is empty again when all has left it', () => {
    const { read } = fill('mean', 5 * minute, [[0, 900]]);
    expect(read(5 * minute - 1)).toBe(900);
    expect(read(5 * minute)).toBeNaN();
  });

  it('ignores a value that is older than the window is long', () => {
    const { content, read } = fill('max', 5 * minute, [
      [10 * minute, 3],
      [5 * minute, 99],
    ]);
    expect(read(10 * minute)).toBe(3);
    expect(content).toHaveLength(3);
  });

  it('stays small however many readings come, and loses none of them', () => {
    const readings = Array.from({ length: 6000 }, (_, i) => [i * 50, i % 2] as const);
    const { content, read } = fill('mean', 5 * minute, readings);
    expect(content.length).toBeLessThanOrEqual(21 * 3);
    expect(read(5 * minute - 1)).toBeCloseTo(0.5, 5);
  });

  it('comes back from its checkpoint unchanged', () => {
    const { content } = fill('min', 5 * minute, [
      [1_700_000_000_123, 20.1],
      [1_700_000_060_456, 20.3],
      [1_700_000_120_001, 19.7],
    ]);
    expect(unpackWindow(JSON.parse(JSON.stringify(packWindow(content))) as number[])).toEqual(content);
  });
});
