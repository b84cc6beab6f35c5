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
      expect(verdict !== 'new').toBe(model.has(seq));
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

const t0 = 1_700_000_000_000;
const at = (seconds: number, seq: number, boot?: string) => ({ ts: t0 + seconds * 1000, seq, boot });

test('a device that counts from zero again without a new boot id loses no reading', () => {
  const seen = new SeenReadings();
  for (let seq = 0; seq <= 500; seq++) expect(seen.see(at(seq, seq))).toBe('new');
  // The restart, seen in the middle of a backlog as well as live.
  for (let seq = 0; seq <= 300; seq++) expect(seen.see(at(1000 + seq, seq))).toBe('new');
  expect(seen.see(at(1300, 300))).toBe('duplicate');
  expect(seen.see(at(500, 500))).toBe('duplicate');
  // What the first run had not yet sent comes late, and what both had comes again.
  expect(seen.see(at(501, 501))).toBe('new');
  expect(seen.see(at(1301, 301))).toBe('new');
  expect(seen.see(at(20, 20))).toBe('known');
  expect(seen.see(at(1020, 20))).toBe('known');
  expect(seen.missing).toBe(0);
});

test('a counter that wraps around goes on counting', () => {
  const seen = new SeenReadings();
  for (let n = 0; n < 2000; n++) expect(seen.see(at(n, n % 256))).toBe('new');
  expect(seen.missing).toBe(0);
  expect(seen.see(at(1999, 1999 % 256))).toBe('duplicate');
});

test('a number that comes again with another time is another reading', () => {
  const seen = new SeenReadings();
  for (const seq of [0, 1, 2, 3]) seen.see(at(10 * seq, seq, 'fixed'));
  expect(seen.see(at(15, 1, 'fixed'))).toBe('new');
  expect(seen.see(at(15, 1, 'fixed'))).toBe('duplicate');
  expect(seen.see(at(10, 1, 'fixed'))).toBe('duplicate');
  // Always the same number: a device that does not count at all.
  const stuck = new SeenReadings();
  for (let n = 0; n < 100; n++) expect(stuck.see(at(n, 7))).toBe('new');
  expect(JSON.stringify(stuck).length).toBeLessThan(500);
});

test('a clock that was set back neither loses readings nor makes gaps', () => {
  const seen = new SeenReadings();
  for (let seq = 0; seq < 50; seq++) seen.see(at(100 * seq, seq, 'b'));
  for (let seq = 50; seq < 90; seq++) expect(seen.see(at(1000 + seq, seq, 'b'))).toBe('new');
  expect(seen.see(at(1080, 80, 'b'))).toBe('duplicate');
  expect(seen.missing).toBe(0);
});

test('a time that another reading has is told, also out of order, and what was refused for it is known again', () => {
  const seen = new SeenReadings();
  expect(seen.see(at(0, 1))).toBe('new');
  expect(seen.see(at(1, 2))).toBe('new');
  expect(seen.see(at(0, 3))).toBe('same_timestamp');
  expect(seen.see(at(0, 3))).toBe('duplicate');
  expect(seen.see({ ts: t0, m: { co2_ppm: 700 } })).toBe('same_timestamp');
  expect(seen.see(at(1, 2, 'another'))).toBe('same_timestamp');
  expect(seen.missing).toBe(0);
});

test('without numbers a contradiction is found among the last times, too', () => {
  const seen = new SeenReadings();
  for (let n = 0; n < 5; n++) seen.see({ ts: t0 + n, m: { co2_ppm: 600 + n } });
  expect(seen.see({ ts: t0 + 1, m: { co2_ppm: 700 } })).toBe('same_timestamp');
  expect(seen.see({ ts: t0 + 1, m: { temp_c: 20 } })).toBe('new');
  expect(seen.see({ ts: t0 + 1, m: { co2_ppm: 601 } })).toBe('duplicate');
});

test('a refused reading is a repeat only with the same time, and one with an impossible time breaks nothing', () => {
  const seen = new SeenReadings();
  const bad = (seq: number, seconds: number) => ({ boot: '', seq, ts: t0 + seconds * 1000, plausible: true });
  expect(seen.see(at(0, 0))).toBe('new');
  expect(seen.mark(bad(1, 1))).toBe(true);
  expect(seen.mark(bad(1, 1))).toBe(false);
  expect(seen.mark(bad(1, 5))).toBe(true);
  expect(seen.mark({ boot: '', seq: 2, ts: 2 * t0 })).toBe(true);
  expect(seen.mark({ boot: '', seq: 2, ts: 2 * t0 })).toBe(false);
  expect(seen.mark({ boot: '', seq: 3 })).toBe(true);
  expect(seen.see(at(6, 4))).toBe('new');
  expect(seen.see(at(7, 5))).toBe('new');
  expect(seen.missing).toBe(0);
});

test('in whatever order, with restarts, repeats and losses, no two readings are taken for one', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomBelow(seed);
    const seen = new SeenReadings();
    const sent = new Map<string, object>();
    let lost = 0;
    let time = 0;
    let seq = -1;
    for (let n = 0; n < 300; n++) {
      time += 1 + random(5);
      seq = random(60) === 0 ? 0 : seq + 1;
      const reading = at(time, seq);
      const verdict = seen.see(reading);
      if (sent.has(String(reading.ts))) throw new Error('the test is wrong');
      if (verdict !== 'new') lost++;
      sent.set(String(reading.ts), reading);
      // The last ones again, as after a lost acknowledgement.
      if (random(5) === 0) {
        const again = [...sent.values()].slice(-1 - random(10)) as ReturnType<typeof at>[];
        for (const repeat of again) expect(seen.see(repeat)).not.toBe('new');
      }
    }
    expect(lost).toBe(0);
  }
});

test('gaps stay counted when there are too many to remember', () => {
  const seen = new SeenReadings();
  for (let seq = 0; seq < 1000; seq += 2) seen.see(reading(seq));
  expect(seen.missing).toBe(499);
  expect(new SeenReadings(JSON.parse(JSON.stringify(seen)) as SeenState).missing).toBe(499);
});

test('a device that loses every second reading costs bounded memory and loses nothing more', () => {
  const seen = new SeenReadings();
  for (let seq = 0; seq < 10_000; seq += 2) expect(seen.see(reading(seq))).toBe('new');
  expect(JSON.stringify(seen).length).toBeLessThan(2000);
  expect(seen.see(reading(9_999))).toBe('new');
});

test('without numbers, repeats are known as long as they would be judged, in bounded memory', () => {
  let seen = new SeenReadings();
  const names = ['co2_ppm', 'temp_c', 'rh_pct', 'pm25_ugm3', 'pm10_ugm3', 'lux', 'laeq_dba', 'tvoc_mgm3'];
  const one = (minute: number, metric: number) => ({
    ts: t0 + minute * 60_000 + metric,
    m: { [names[metric] ?? '']: (minute + metric) % 5 },
  });
  const all = names.map((_, metric) => metric);
  let length = 0;
  for (let minute = 0; minute < 120; minute++) {
    for (const metric of all) expect(seen.see(one(minute, metric))).toBe('new');
    seen = new SeenReadings(JSON.parse(JSON.stringify(seen)) as SeenState);
    // Those of five and of fourteen minutes ago again, as after a lost acknowledgement.
    for (const ago of [5, 14]) {
      if (minute < ago) continue;
      for (const metric of all) expect(['duplicate', 'known']).toContain(seen.see(one(minute - ago, metric)));
    }
    if (minute === 30) ({ length } = JSON.stringify(seen));
  }
  expect(JSON.stringify(seen).length).toBeLessThan(length + 200);
  // At one a millisecond there is an end to it.
  for (let n = 0; n < 5000; n++) seen.see({ ts: t0 + 7_200_000 + n, m: { lux: n } });
  expect(JSON.stringify(seen).length).toBeLessThan(20_000);
  // Of a device that reports once a minute the last ones reach far enough.
  const slow = new SeenReadings();
  for (let minute = 0; minute < 200; minute++) slow.see({ ts: t0 + minute * 60_000, m: { lux: minute } });
  expect(JSON.parse(JSON.stringify(slow))).not.toHaveProperty('older');
});
