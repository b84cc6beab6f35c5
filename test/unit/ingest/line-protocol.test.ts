import { expect, test } from 'vitest';
import { escapeTag } from '../../../ingest/sinks/device-tags.js';
import type { DeviceTags } from '../../../ingest/sinks/device-tags.js';
import { eventLine, readingLines } from '../../../ingest/sinks/line-protocol.js';

const tags: DeviceTags = {
  district: '禅城',
  room: 'r1',
  series: 'ap,device=d1',
  seriesOfPart: (part) => `ap,device=d1,part=${part}`,
  seriesOfEvent: (type) => `event,device=d1,type=${escapeTag(type)}`,
};

test('a reading with parts becomes one line for the device and one for each part', () => {
  const lines = readingLines(
    { ts: 5, m: { clients: 3, cpu_pct: 1.5 }, parts: { radio2: { channel: 6 }, radio5: {} } },
    tags,
  );
  expect(lines).toBe('ap,device=d1 clients=3,cpu_pct=1.5 5\nap,device=d1,part=radio2 channel=6 5');
});

test('a reading of parts only has no line of its own', () => {
  expect(readingLines({ ts: 5, m: {}, parts: { p: { channel: 6 } } }, tags)).toBe(
    'ap,device=d1,part=p channel=6 5',
  );
});

test('words are quoted, and quotes and line ends in them can not start another field or line', () => {
  expect(readingLines({ ts: 5, m: { power: 'on" 1\nap x=1' } }, tags)).toBe(
    'ap,device=d1 power="on\\" 1 ap x=1" 5',
  );
  expect(eventLine({ ts: 6, type: 'ra dar', detail: '{"a":"\\"}' }, tags)).toBe(
    'event,device=d1,type=ra\\ dar detail="{\\"a\\":\\"\\\\\\"}" 6',
  );
});

test('what came too late says so in each of its lines', () => {
  const lines = readingLines({ ts: 5, m: { clients: 3 }, parts: { radio2: { channel: 6 } } }, tags, true);
  expect(lines).toBe('ap,device=d1 clients=3,late=1 5\nap,device=d1,part=radio2 channel=6,late=1 5');
  expect(eventLine({ ts: 6, type: 'radar', detail: '{}' }, tags, true)).toBe(
    'event,device=d1,type=radar detail="{}",late=1 6',
  );
});

test('separators in tags are escaped', () => {
  expect(escapeTag('a b,c=d')).toBe('a\\ b\\,c\\=d');
});

test.each([
  ['', 'unassigned'],
  [' \n', 'unassigned'],
  ['east\\', 'east/'],
  ['a\r\nb', 'a\\ b'],
])('a tag value %j that line protocol has no way to say becomes %j', (value, tag) => {
  expect(escapeTag(value)).toBe(tag);
});
