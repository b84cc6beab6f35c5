import { expect, test } from 'vitest';
import { SeenReadings } from '../../../ingest/ledger/seen-readings.js';
import type { SeenState } from '../../../ingest/ledger/seen-readings.js';

const reading = (seq: number, boot = 'a') => ({ ts: 1_700_000_000_000 + seq * 1000, seq, boot });

/** Park-Miller: the same sequence in every run. */
function randomBelow(seed: number) {
  let state = seed;
  return (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
}

test('in any order with any repeats, each sequence number is new exactly once and the gaps are exact', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomBelow(seed);
    const seen = new SeenReadings();
    const model = new Set<number>();
    for (let i = 0; i < 400; i++) {
      const seq = random(120);
      const verdict = seen.see(reading(seq));
      expect(verdict === 'duplicate').toBe(model.has(seq));
      model.add(seq);
      const numbers = [...model];
      expect(seen.missing).toBe(Math.max(...numbers) - Math.min(...numbers) + 1 - model.size);
    }
  }
});

test('what was seen survives being written down and read again', () => {
  const seen = new SeenReadings();
  for (const seq of [0, 1, 2, 5, 9]) seen.see(reading(seq));
  const restored = new SeenReadings(JSON.parse(JSON.stringify(seen)) as SeenState);
  expect(restored.missing).toBe(5);
  expect(restored.see(reading(5))).toBe('duplicate');
  expect(restored.see(reading(6))).toBe('new');
});

test('a restarted device counts from zero again without its readings being taken for repeats', () => {
  const seen = new SeenReadings();
  expect(seen.see(reading(0, 'a'))).toBe('new');
  expect(seen.see({ ...reading(0, 'b'), ts: 1_700_000_100_000 })).toBe('new');
  expect(seen.see({ ...reading(1, 'a') })).toBe('new');
  expect(seen.see(reading(1, 'a'))).toBe('duplicate');
});

test('gaps of boots that are forgotten stay counted', () => {
  const seen = new SeenReadings();
  for (let boot = 0; boot < 6; boot++) {
    seen.see({ ts: boot * 10_000 + 1, seq: 0, boot: String(boot) });
    seen.see({ ts: boot * 10_000 + 2, seq: 3, boot: String(boot) });
  }
  expect(seen.missing).toBe(12);
});

test('another reading with the time of the one before it is told apart from a repeat', () => {
  const seen = new SeenReadings();
  seen.see(reading(1));
  expect(seen.see({ ...reading(2), ts: reading(1).ts })).toBe('same_timestamp');
  expect(seen.see(reading(1))).toBe('duplicate');
});

test('without sequence numbers time and content tell repeats, also when a run of them is sent again', () => {
  const seen = new SeenReadings();
  const run = Array.from({ length: 20 }, (_, i) => ({ ts: 1000 + i, m: { co2_ppm: 600 + i } }));
  expect(run.map((reading) => seen.see(reading))).toEqual(run.map(() => 'new'));
  const restored = new SeenReadings(JSON.parse(JSON.stringify(seen)) as SeenState);
  expect(run.map((reading) => restored.see(reading))).toEqual(run.map(() => 'duplicate'));
  expect(restored.see({ ts: 2000, m: { co2_ppm: 600 } })).toBe('new');
});

test('without sequence numbers the metrics of one time may come in several messages, but not contradict', () => {
  const seen = new SeenReadings();
  expect(seen.see({ ts: 1000, m: { co2_ppm: 600 } })).toBe('new');
  expect(seen.see({ ts: 1000, m: { temp_c: 21 } })).toBe('new');
  expect(seen.see({ ts: 1000, m: {}, parts: { radio5: { temp_c: 48 } } })).toBe('new');
  expect(seen.see({ ts: 1000, m: { co2_ppm: 600 } })).toBe('duplicate');
  expect(seen.see({ ts: 1000, m: { co2_ppm: 601 } })).toBe('same_timestamp');
});

test('a device that loses every second reading costs bounded memory and loses nothing more', () => {
  const seen = new SeenReadings();
  for (let seq = 0; seq < 10_000; seq += 2) expect(seen.see(reading(seq))).toBe('new');
  expect(JSON.stringify(seen).length).toBeLessThan(2000);
  expect(seen.see(reading(9_999))).toBe('new');
});
