import { describe, expect, test } from 'vitest';
import type { Expectation } from '../../../devices/action.js';
import { createCommand } from '../../../devices/command.js';
import { deltaOf, findProof, reportedValue, takeNotice, takeReading } from '../../../devices/twin.js';
import type { ReportedState } from '../../../devices/twin.js';
import type { Reading } from '../../../devices/telemetry.js';

const t0 = 1_772_409_600_000;
const s = (seconds: number) => t0 + seconds * 1000;
/** Readings at these seconds, by the device's clock and ours alike unless `arrived` says otherwise. */
const reported = (...readings: (Partial<Reading> & { s: number; arrived?: number })[]): ReportedState =>
  readings.reduce<ReportedState>(
    (known, { s: seconds, arrived = seconds, ...reading }) =>
      takeReading(known, { ts: s(seconds), m: {}, ...reading }, s(arrived)),
    {},
  );
const power = { of: 'device', name: 'power' } as const;

describe('the last value of each metric is known, whatever the order of arrival', () => {
  test('a newer reading replaces what it holds and leaves the rest', () => {
    const state = reported({ s: 0, m: { power: 'on', volume_pct: 30 } }, { s: 10, m: { power: 'standby' } });
    expect(reportedValue(state, power)).toEqual({ value: 'standby', ts: s(10), at: s(10) });
    expect(reportedValue(state, { of: 'device', name: 'volume_pct' })).toEqual({
      value: 30,
      ts: s(0),
      at: s(0),
    });
  });
  test('a backlog fills in only what nothing newer is known of', () => {
    const state = reported(
      { s: 100, m: { power: 'on' } },
      { s: 50, arrived: 101, m: { power: 'off', volume_pct: 20 } },
      { s: 40, arrived: 102, m: { volume_pct: 10 } },
    );
    expect(reportedValue(state, power)?.value).toBe('on');
    expect(reportedValue(state, { of: 'device', name: 'volume_pct' })?.value).toBe(20);
  });
  test('parts are apart', () => {
    const state = reported(
      { s: 0, parts: { radio2: { channel: 6 }, radio5: { channel: 36 } } },
      { s: 10, parts: { radio5: { channel: 40 } } },
    );
    expect(reportedValue(state, { of: 'part', part: 'radio2', name: 'channel' })?.value).toBe(6);
    expect(reportedValue(state, { of: 'part', part: 'radio5', name: 'channel' })?.value).toBe(40);
    expect(reportedValue(state, { of: 'part', part: 'radio6', name: 'channel' })).toBeUndefined();
  });
  test('the same reading again changes nothing', () => {
    const once = reported({ s: 0, boot: 'a', m: { power: 'on' } });
    expect(takeReading(once, { ts: s(0), boot: 'a', m: { power: 'on' } }, s(0))).toEqual(once);
  });
  test('what is kept as JSON is what comes back', () => {
    const state = reported(
      { s: 0, boot: 'a', m: { power: 'on' } },
      { s: 5, boot: 'b', m: { volume_pct: 1 } },
    );
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});

describe('what proves that a command worked', () => {
  const command = createCommand({
    id: 'c',
    device: 'd',
    site: 's',
    deviceClass: 'whiteboard',
    shard: 0,
    action: 'power_off',
    args: {},
    issuedBy: 'test',
    issuedAt: s(100),
    expiresAt: s(160),
  });
  const answered = { ...command, answer: { at: s(110), entry: '1-0', ok: true } };
  const off: Expectation = { shows: 'value', path: power, among: ['standby', 'off'], after: 'issue' };
  const again: Expectation = { ...off, after: 'answer' };
  const restart: Expectation = { shows: 'restart' };

  const cases: [string, Expectation, ReportedState, boolean][] = [
    ['a value reported since', off, reported({ s: 105, m: { power: 'standby' } }), true],
    ['another value', off, reported({ s: 105, m: { power: 'on' } }), false],
    ['the value from before', off, reported({ s: 95, m: { power: 'standby' } }), false],
    [
      'the value, overtaken',
      off,
      reported({ s: 105, m: { power: 'off' } }, { s: 106, m: { power: 'on' } }),
      false,
    ],
    ['a clock 30 s behind ours', off, reported({ s: 75, arrived: 105, m: { power: 'off' } }), true],
    ['a backlog of ten minutes ago', off, reported({ s: -500, arrived: 105, m: { power: 'off' } }), false],
    ['before the answer, wanted after', again, reported({ s: 105, m: { power: 'off' } }), false],
    ['after the answer', again, reported({ s: 111, m: { power: 'off' } }), true],
    ['nothing reported', off, {}, false],
    [
      'another boot id',
      restart,
      reported({ s: 90, boot: 'a', m: { power: 'on' } }, { s: 130, boot: 'b', m: { power: 'on' } }),
      true,
    ],
    [
      'the same boot id',
      restart,
      reported({ s: 90, boot: 'a', m: { power: 'on' } }, { s: 130, boot: 'a', m: { power: 'on' } }),
      false,
    ],
    ['a first boot id ever', restart, reported({ s: 130, boot: 'a', m: { power: 'on' } }), false],
    [
      'a boot before the command',
      restart,
      reported({ s: 80, boot: 'a', m: { power: 'on' } }, { s: 90, boot: 'b', m: { power: 'on' } }),
      false,
    ],
    [
      'the last boot, in a backlog',
      restart,
      reported(
        { s: 90, boot: 'b', m: { power: 'on' } },
        { s: 50, arrived: 130, boot: 'a', m: { power: 'on' } },
      ),
      false,
    ],
    ['an uptime that began since', restart, reported({ s: 130, m: { uptime_s: 20 } }), true],
    ['an uptime that began before', restart, reported({ s: 130, m: { uptime_s: 3000 } }), false],
    [
      'any reading since',
      { shows: 'reading' },
      reported({ s: 101, parts: { radio5: { channel: 36 } } }),
      true,
    ],
    ['no reading since', { shows: 'reading' }, reported({ s: 99, m: { power: 'on' } }), false],
  ];
  test.each(cases)('%s', (_name, expected, state, proven) => {
    expect(findProof(state, expected, answered) !== undefined).toBe(proven);
  });
  test('a field of what the device says of itself', () => {
    const state = takeNotice({}, 'meta', { at: s(105), body: { firmware: '2.1' } });
    const expected: Expectation = {
      shows: 'value',
      path: { of: 'meta', name: 'firmware' },
      among: ['2.1'],
      after: 'issue',
    };
    expect(findProof(state, expected, command)).toBe('meta.firmware is 2.1');
  });
});

test('the delta is what is wanted and not reported so', () => {
  const state = reported({ s: 0, m: { brightness_pct: 60 }, parts: { radio5: { channel: 36 } } });
  const wanted = {
    brightness_pct: { value: 80 },
    'parts.radio5.channel': { value: 36 },
    volume_pct: { value: 10 },
  };
  expect(deltaOf(wanted, state)).toEqual([
    { key: 'brightness_pct', desired: 80, reported: 60 },
    { key: 'volume_pct', desired: 10 },
  ]);
});
