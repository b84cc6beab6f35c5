import { describe, expect, it } from 'vitest';
import { findTrouble, findWarning } from '../../../broker/redis-log-safety.js';

const info = (used: number, most: number, aof = 'ok') =>
  `# Memory\r\nused_memory:${used}\r\nused_memory_human:1M\r\nmaxmemory:${most}\r\n# Persistence\r\naof_last_write_status:${aof}\r\n`;

describe('whether Redis can take readings', () => {
  it.each([
    ['has room', info(50, 100), false, undefined],
    ['knows no limit', info(5_000_000, 0), false, undefined],
    ['is nearly full', info(90, 100), false, /used 90 % of its memory/],
    ['has just been full', info(87, 100), true, /used 87 %/],
    ['has room again', info(84, 100), true, undefined],
    ['can not write its file', info(1, 100, 'err'), false, /append-only file/],
  ])('when it %s', (_name, text, inTrouble, expected) => {
    const trouble = findTrouble(text, inTrouble);
    if (expected === undefined) expect(trouble).toBeUndefined();
    else expect(trouble).toMatch(expected);
  });
});

it('is warned of when it has no limit at all', () => {
  expect(findWarning(info(5, 0))).toMatch(/maxmemory 0/);
  expect(findWarning(info(5, 10))).toBeUndefined();
});
