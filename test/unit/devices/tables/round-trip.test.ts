import { describe, expect, test } from 'vitest';
import { emptyRegistry } from '../../../../devices/registry.js';
import type { Registry } from '../../../../devices/registry.js';
import { tableNames } from '../../../../devices/tables/columns.js';
import { diffRegistries } from '../../../../devices/tables/diff-registries.js';
import { encodeText, writtenEncodings } from '../../../../devices/tables/encode-text.js';
import { guardFormula, unguardFormula } from '../../../../devices/tables/formula-guard.js';
import { planImport } from '../../../../devices/tables/plan-import.js';
import { writeTable } from '../../../../devices/tables/write-tables.js';
import { createDemoRegistry } from '../../../../simulators/city/demo-registry.js';

const awkward: Registry = {
  sites: new Map([
    [
      's1',
      {
        id: 's1',
        kind: 'learning_point',
        district: 'unassigned',
        nameZh: '=cmd|"/c calc"!A1',
        nameEn: '\'=a "quoted", text',
      },
    ],
  ]),
  rooms: new Map([['s1/b1', { site: 's1', id: 'b1', kind: 'equipment', floor: -2, nameZh: '@机房 𠮷野家' }]]),
  timetables: new Map([
    [
      's1',
      {
        site: 's1',
        periods: [
          { weekday: 1, start: 480, end: 520, kind: 'lesson', name: '+1' },
          { weekday: 3, start: 480, end: 520, kind: 'lesson', name: '+1' },
          { weekday: 7, start: 1380, end: 1440, kind: 'study' },
        ],
        exceptions: [
          { date: '2026-12-31', name: '元旦' },
          { date: '2027-01-01', name: '元旦' },
          { date: '2027-01-02' },
        ],
      },
    ],
  ]),
  devices: new Map([
    ['d1', { id: 'd1', site: 's1', deviceClass: 'ap', room: 'unassigned', serial: '-0012' }],
  ]),
};

const write = (registry: Registry, encoding: (typeof writtenEncodings)[number]) =>
  tableNames.map((table) => ({
    file: `${table}.csv`,
    bytes: encodeText(writeTable(registry, table), encoding),
  }));

describe.each(writtenEncodings)('in %s', (encoding) => {
  test.each([
    ['a demo city', createDemoRegistry({ campuses: 3, seed: 1 })],
    ['awkward texts', awkward],
    ['nothing', emptyRegistry],
  ])('what is written of %s reads back as it was', (_name, registry) => {
    const files = write(registry, encoding);
    const { problems, after } = planImport(emptyRegistry, files);
    expect(problems).toEqual([]);
    expect(diffRegistries(registry, after)).toEqual([]);
    expect(write(after, encoding)).toEqual(files);
  });
});

test('a cell that begins like a formula is written as text', () => {
  expect(writeTable(awkward, 'sites')).toContain(`"'=cmd|""/c calc""!A1"`);
  expect(writeTable(awkward, 'rooms')).toContain(',-2,');
  for (const cell of ['=1', '+1-2', '@a', "'=x", "''-x", '-5', "it's", '＝x', '']) {
    expect(unguardFormula(guardFormula(cell))).toBe(cell);
  }
});

test('UTF-8 begins with the mark by which spreadsheet programs know it', () => {
  expect([...encodeText('x', 'utf-8').subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
});
