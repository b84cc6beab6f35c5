import { expect, it } from 'vitest';
import { formatDuration, formatMoment } from '../../../../alerts/mail/time-words.js';

it.each([
  [0, '0 秒', '0 s'],
  [999, '0 秒', '0 s'],
  [-5, '0 秒', '0 s'],
  [45_000, '45 秒', '45 s'],
  [61_000, '1 分钟 1 秒', '1 min 1 s'],
  [300_000, '5 分钟', '5 min'],
  [3_900_000, '1 小时 5 分钟', '1 h 5 min'],
  [3_601_000, '1 小时', '1 h'],
  [183_600_000, '2 天 3 小时', '2 d 3 h'],
])('says %d ms as %s and %s', (durationMs, zh, en) => {
  expect(formatDuration(durationMs, 'zh')).toBe(zh);
  expect(formatDuration(durationMs, 'en')).toBe(en);
});

it('tells the time of the zone that people see, also around midnight', () => {
  const at = Date.parse('2026-01-31T16:05:00Z');
  expect(formatMoment(at, 'Asia/Shanghai', 'zh')).toBe('2026年2月1日（周日）00:05（北京时间）');
  expect(formatMoment(at, 'Asia/Shanghai', 'en')).toBe('Sun, 1 Feb 2026, 00:05 (Beijing time)');
  expect(formatMoment(at, 'UTC', 'en')).toBe('Sat, 31 Jan 2026, 16:05 (UTC)');
});
