import { expect, test } from 'vitest';
import { deviceIdOf } from '../../../devices/profiles/device-id.js';
import { idPattern } from '../../../devices/topic.js';

test.each([
  ['', '0x00158d0001a2b3c4', '0x00158d0001a2b3c4'],
  ['z2m-', 'room101', 'z2m-room101'],
  ['', 'floor2/room101', 'floor2.room101-efa6b3d7'],
])('%j and %j make %j', (prefix, name, id) => {
  expect(deviceIdOf(prefix, name)).toBe(id);
});

test('names that an id can not hold become different ids', () => {
  const names = [
    '课室 一',
    '课室 二',
    'a b',
    'a/b',
    'a.b',
    'a./b',
    'a/.b',
    '',
    '/',
    'x'.repeat(80),
    'x'.repeat(81),
  ];
  const ids = names.map((name) => deviceIdOf('', name));
  for (const id of ids) expect(id).toMatch(idPattern);
  expect(new Set(ids).size).toBe(ids.length);
});
