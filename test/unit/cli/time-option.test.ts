import { describe, expect, it } from 'vitest';
import { parseTimeOption } from '../../../cli/time-option.js';

const now = Date.parse('2026-03-09T12:00:00Z');
const parse = (text: string, timeZone = 'Asia/Shanghai') =>
  new Date(parseTimeOption('--from', text, timeZone, now)).toISOString();

describe('a time on the command line', () => {
  it.each([
    ['2026-03-02', '2026-03-01T16:00:00.000Z'],
    ['2026-03-02T08:30', '2026-03-02T00:30:00.000Z'],
    ['2026-03-02 08:30:15', '2026-03-02T00:30:15.000Z'],
    ['2026-03-02T08:30Z', '2026-03-02T08:30:00.000Z'],
    ['2026-03-02T08:30:00.250+01:00', '2026-03-02T07:30:00.250Z'],
    ['2026-03-02T08:30-05:30', '2026-03-02T14:00:00.000Z'],
    ['7d', '2026-03-02T12:00:00.000Z'],
    ['now', '2026-03-09T12:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(parse(text)).toBe(expected);
  });

  it('follows a change of the clocks', () => {
    expect(parse('2026-03-29T01:59', 'Europe/Berlin')).toBe('2026-03-29T00:59:00.000Z');
    expect(parse('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z');
  });

  it.each(['', 'yesterday', '2026-02-30', '2026-13-01', '25:00', '2026-03-02T24:61', '12x'])(
    'refuses "%s" with what to write',
    (text) => {
      expect(() => parse(text)).toThrow(`--from: "${text}" is no time: write it as 2026-03-02,`);
    },
  );
});
