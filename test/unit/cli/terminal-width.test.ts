import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { fitColumns } from '../../../cli/terminal/fit-columns.js';
import { formatPairs, formatTable } from '../../../cli/terminal/table.js';
import { wrapHanging } from '../../../cli/terminal/wrap-text.js';

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => stringWidth(line)));
}

const long =
  '教室二氧化碳超过 1500 ppm，请开窗通风并检查新风是否运行 the room is full of people and nobody has opened a window';

describe('columns', () => {
  it.each([
    [[5, 10, 20], 100, [5, 10, 20]],
    [[5, 10, 60], 40, [5, 10, 25]],
    [[5, 50, 60], 45, [5, 20, 20]],
    [[50, 50], 3, undefined],
  ])('of %j fit into %i: narrow ones keep what they need', (natural, room, fitted) => {
    expect(fitColumns(natural, room)).toEqual(fitted);
  });

  it('are not made narrower than their longest word', () => {
    expect(fitColumns([30, 40], 50, [28, 10])).toEqual([28, 22]);
    expect(fitColumns([30, 40], 50, [28, 30])).toBeUndefined();
  });
});

describe('a table', () => {
  const rows = [
    ['major', long, 'fs-chancheng-01'],
    ['minor', 'short', 'fs-nanhai-01'],
  ];

  it.each([60, 80, 100])('is no wider than a terminal of %i columns, and says all of it', (width) => {
    const table = formatTable(['Severity', 'Alarm', 'Site'], rows, width);
    expect(widest(table)).toBeLessThanOrEqual(width);
    for (const word of ['major', 'nobody', 'window', 'fs-chancheng-01']) expect(table).toContain(word);
  });

  const ids = [
    ['fs-chancheng-01-r101', 'sensor', 'fs-chancheng-01', 'r101', '2026-03-02 08:15:00'],
    ['fs-chancheng-01-r102', 'sensor', 'fs-chancheng-01', 'r102', '2026-03-02 08:15:00'],
  ];
  const head = ['Device', 'Class', 'Site', 'Room', 'Since'];

  it.each([75, 60, 40])('breaks no id, with %i columns', (width) => {
    const table = formatTable(head, ids, width);
    expect(widest(table)).toBeLessThanOrEqual(width);
    for (const row of ids) for (const word of row.join(' ').split(' ')) expect(table).toContain(word);
  });

  it('goes without lines where they leave no room, and row by row where columns do not fit', () => {
    expect(formatTable(head, ids, 75)).toMatch(/^┌/);
    expect(formatTable(head, ids, 66).split('\n')[0]).toBe(
      'Device                Class   Site             Room  Since',
    );
    expect(formatTable(head, ids, 40)).toMatch(/^ {2}Device +fs-chancheng-01-r101\n/);
  });

  it('keeps a row on one line where no terminal limits it', () => {
    const table = formatTable(['Severity', 'Alarm', 'Site'], rows, Infinity);
    expect(table).toContain(long);
  });
});

describe('other texts', () => {
  it('stay beside their names', () => {
    const pairs = formatPairs([['Readings', long]], 50);
    expect(widest(pairs)).toBeLessThanOrEqual(50);
    for (const line of pairs.split('\n').slice(1)) expect(line).toMatch(/^ {12}\S/);
  });

  it('go on indented, not in the middle of a word', () => {
    const lines = wrapHanging('     raised  one two three four five six seven', 24, 14).split('\n');
    expect(lines[0]).toMatch(/^ {5}raised/);
    expect(lines.slice(1).every((line) => line.startsWith(' '.repeat(14)))).toBe(true);
    expect(lines.join(' ').split(/\s+/)).toContain('seven');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(24);
  });
});

it('does not draw the lines of thousands of rows, but keeps their columns, of Chinese too', () => {
  const rows = Array.from({ length: 2000 }, (_, i) => [`d${i}`, i % 2 === 0 ? '教室' : 'room', i]);
  const lines = formatTable(['Device', 'Room', 'No'], rows).split('\n');
  expect(lines).toHaveLength(2001);
  expect(lines.slice(0, 3)).toEqual(['Device  Room  No', 'd0      教室  0', 'd1      room  1']);
});
