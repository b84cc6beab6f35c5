import { describe, expect, it } from 'vitest';
import { demoOrigin } from '../../../simulators/demo.js';
import { demoDevices } from '../../../simulators/demo/demo-city.js';
import { loadSourceRows } from '../../../simulators/demo/source-rows.js';
import { measuringTimes, sourceTime } from '../../../simulators/demo/source-time.js';

const origin = Date.parse(demoOrigin);
const shanghai = (text: string) => Date.parse(`${text}:00+08:00`);

describe('sourceTime', () => {
  it('shows the recorded Monday evening when the demo starts', () => {
    expect(sourceTime(origin, 0)).toBe(shanghai('2015-02-09T18:10'));
    expect(sourceTime(origin + 59_999, 0)).toBe(shanghai('2015-02-09T18:10'));
    expect(sourceTime(origin + 60_000, 30)).toBe(shanghai('2015-02-09T18:41'));
  });

  it.each([
    ['Monday', '2026-03-02', '2015-02-09'],
    ['Tuesday', '2026-03-03', '2015-02-05'],
    ['Wednesday', '2026-03-04', '2015-02-09'],
    ['Thursday', '2026-03-05', '2015-02-05'],
    ['Friday', '2026-03-06', '2015-02-06'],
    ['Saturday', '2026-03-07', '2015-02-07'],
    ['Sunday', '2026-03-08', '2015-02-08'],
  ])('takes a recorded day of the same kind for %s', (_name, day, recorded) => {
    expect(sourceTime(shanghai(`${day}T10:00`), 0)).toBe(shanghai(`${recorded}T12:15`));
  });

  it('goes to the next day at the shifted midnight', () => {
    expect(sourceTime(shanghai('2026-03-02T21:44'), 0)).toBe(shanghai('2015-02-09T23:59'));
    expect(sourceTime(shanghai('2026-03-02T21:45'), 0)).toBe(shanghai('2015-02-05T00:00'));
    expect(sourceTime(shanghai('2026-03-02T21:45'), -8)).toBe(shanghai('2015-02-09T23:52'));
  });
});

describe('measuringTimes', () => {
  it('gives one time a minute at the phase, each exactly once over adjoining spans', () => {
    expect(measuringTimes(0, 180_000, 3000)).toEqual([3000, 63_000, 123_000]);
    expect(measuringTimes(0, 62_999, 3000)).toEqual([3000]);
    expect(measuringTimes(62_999, 63_000, 3000)).toEqual([63_000]);
    expect(measuringTimes(63_000, 63_000, 3000)).toEqual([]);
    expect(measuringTimes(63_000, 122_999, 3000)).toEqual([]);
  });
});

describe('the demo city', () => {
  it('has a row for every minute of a week in every room', async () => {
    const rows = await loadSourceRows();
    const missing: number[] = [];
    for (const { offsetMinutes } of demoDevices) {
      for (let minute = 0; minute < 7 * 24 * 60; minute += 1) {
        if (!('co2_ppm' in rows.rowAt(origin + minute * 60_000, offsetMinutes))) missing.push(minute);
      }
    }
    expect(missing).toEqual([]);
  });

  it('has in each campus a room that is stuffy at the start and fresh after 80 minutes', async () => {
    const rows = await loadSourceRows();
    for (const site of new Set(demoDevices.map((device) => device.site))) {
      const stuffy = demoDevices.filter(
        (device) =>
          device.site === site && Number(rows.rowAt(origin, device.offsetMinutes)['co2_ppm']) > 1650,
      );
      expect(stuffy).toHaveLength(1);
      const offset = stuffy[0]?.offsetMinutes ?? NaN;
      expect(Number(rows.rowAt(origin + 80 * 60_000, offset)['co2_ppm'])).toBeLessThan(1200);
    }
  });

  it('has device ids and phases of their own', () => {
    expect(new Set(demoDevices.map(({ device }) => device)).size).toBe(demoDevices.length);
    expect(new Set(demoDevices.map(({ phaseMs }) => phaseMs)).size).toBe(demoDevices.length);
  });
});
