import iconv from 'iconv-lite';
import { describe, expect, test } from 'vitest';
import { emptyRegistry } from '../../../../devices/registry.js';
import type { Registry } from '../../../../devices/registry.js';
import { planImport } from '../../../../devices/tables/plan-import.js';
import { formatProblem } from '../../../../devices/tables/table-problem.js';

const bytes = (text: string, encoding = 'utf-8') => iconv.encode(text, encoding);
const csv = (...lines: readonly string[]) => bytes(lines.join('\r\n'));

const sites = csv(
  'site,kind,district,stage,uplink_mbps,name_zh,name_en',
  's1,campus,nanhai,primary,1000,桂城第一小学,Guicheng No. 1',
  's2,learning_point,顺德区,,,,',
);
const rooms = csv(
  'site,room,kind,capacity,floor,name_zh,name_en',
  's1,r1,classroom,45,1,,',
  's1,r2,实验室,,,,',
);
const devices = csv(
  'device,class,site,room,model,serial,parent,interval_s',
  'gw-1,gateway,s1,,G2,,,10',
  'ap-1,ap,s1,r1,A6,0012,gw-1#12,60',
  'co2-1,传感器,s1,r2,,,ap-1,',
);

function plan(
  files: Readonly<Record<string, Uint8Array>>,
  current: Registry = emptyRegistry,
  removeMissing = false,
) {
  const list = Object.entries(files).map(([file, content]) => ({ file, bytes: content }));
  const result = planImport(current, list, { removeMissing });
  return { ...result, problems: result.problems.map(formatProblem) };
}

/** A registry made of the three tables above, and more. */
function registered(more: Readonly<Record<string, Uint8Array>> = {}): Registry {
  const { after, problems } = plan({
    'sites.csv': sites,
    'rooms.csv': rooms,
    'devices.csv': devices,
    ...more,
  });
  expect(problems).toEqual([]);
  return after;
}

test('tables are told apart by their header and become records', () => {
  const { sites: s, rooms: r, devices: d } = registered();
  expect(s.get('s1')).toEqual({
    id: 's1',
    kind: 'campus',
    district: 'nanhai',
    stage: 'primary',
    uplinkMbps: 1000,
    nameZh: '桂城第一小学',
    nameEn: 'Guicheng No. 1',
  });
  expect(s.get('s2')).toMatchObject({ kind: 'learning_point', district: 'shunde' });
  expect(r.get('s1/r2')).toMatchObject({ kind: 'laboratory' });
  expect(d.get('ap-1')).toMatchObject({ deviceClass: 'ap', room: 'r1', serial: '0012', parent: 'gw-1#12' });
  expect(d.get('gw-1')).toMatchObject({ room: 'unassigned', intervalS: 10 });
});

describe('a spreadsheet of a Chinese office', () => {
  const header = '序号,学校编号,学校名称,站点类型,所属区,学段,带宽（Mbit/s）,备注';
  const row = '1,gd-01,荷城小学,学校,高明,小学,"1,000",2026年新建';
  test.each([
    ['UTF-8', bytes(`${header}\n${row}`)],
    ['UTF-8 with byte order mark', bytes(`\ufeff${header}\r\n${row}\r\n`)],
    ['GB18030', bytes(`${header}\r\n${row}\r\n`, 'gb18030')],
    ['UTF-16 with byte order mark', bytes(`\ufeff${header}\r\n${row}\r\n`, 'utf-16le')],
    ['semicolons', bytes(`${header}\n${row}`.replaceAll(',', ';').replace('"1;000"', '1000'))],
    ['tabs', bytes(`${header}\n${row}`.replace('"1,000"', '1000').replaceAll(',', '\t'))],
    ['blank lines and spaces', bytes(`${header},\n,,,,,,,,\n${row.replaceAll(',荷', ',　荷')} ,\n\n`)],
  ])('is read in %s', (_name, content) => {
    const { after, problems } = plan({ '站点.csv': content });
    expect(problems).toEqual([]);
    expect(after.sites.get('gd-01')).toMatchObject({
      kind: 'campus',
      district: 'gaoming',
      stage: 'primary',
      uplinkMbps: 1000,
      nameZh: '荷城小学',
    });
  });

  test('what is no text is refused', () => {
    const { problems } = plan({ 'sites.xlsx': Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 6, 0, 8, 0) });
    expect(problems).toEqual([
      'sites.xlsx: this is no text file in UTF-8, GB18030 or UTF-16: save it as "CSV UTF-8".',
    ]);
  });
});

describe('every mistake is told, with file, row and column, and nothing is changed', () => {
  test('in the header', () => {
    const { problems, changes } = plan({
      'a.csv': csv('site,kind,distrct', 's1,campus,nanhai'),
      'b.csv': csv('device,class,site,site id', 'd1,ap,s1,s1'),
      'c.csv': csv('foo,bar', '1,2'),
      'd.csv': csv(''),
    });
    expect(changes).toEqual([]);
    expect(problems).toEqual([
      expect.stringMatching(/^a\.csv, row 1, column distrct: .* Did you mean "district" \(区\)\?/),
      'a.csv, row 1, column district: a table of sites needs the column "district" (区): add it.',
      'b.csv, row 1, column site id: "site" and "site id" are the same column: keep one of them.',
      expect.stringMatching(/^c\.csv, row 1: the first row is the header of none of the tables/),
      expect.stringMatching(/^d\.csv, row 1: the first row is the header of none/),
    ]);
  });

  test('in a Chinese heading, with what was probably meant or all there is, in both languages', () => {
    const { problems } = plan({
      'a.csv': csv('设备编号,设备类型,站点编号,间隔', 'd1,ap,s2,60'),
      'b.csv': csv('站点编号,类型,区,中文名,颜色', 's2,campus,nanhai,x,y'),
    });
    expect(problems).toEqual([
      expect.stringMatching(/^a\.csv, row 1, column 间隔: .* Did you mean "interval_s" \(上报间隔\)\?/),
      expect.stringMatching(/^b\.csv, row 1, column 中文名: .* Did you mean "name_zh" \(名称\)\?/),
      expect.stringMatching(/^b\.csv, row 1, column 颜色: .* Known are: "site" \(站点编号\), .*"name_en"/),
    ]);
  });

  test('in the cells', () => {
    const { problems } = plan({
      'sites.csv': csv(
        'site,kind,district,带宽',
        's/1,campus,nanhai,1000',
        's2,campus,天河,many',
        's3,,nanhai',
        's4,campus,nanhai,1,2',
        'ｓ５,campus,nanhai,',
        's6,campus,,',
      ),
      'devices.csv': csv('device,class,site,serial', 'd1,apx,s2,8.69123E+14'),
    });
    expect(problems).toEqual([
      expect.stringMatching(/^sites\.csv, row 2, column site: "s\/1" is no id/),
      expect.stringMatching(/^sites\.csv, row 3, column district: "天河" is not known: .*chancheng 禅城区/),
      expect.stringMatching(/^sites\.csv, row 3, column 带宽: "many" must be a whole number/),
      expect.stringMatching(/^sites\.csv, row 4: the row has 3 cells but the header has 4/),
      expect.stringMatching(/^sites\.csv, row 5: the row has 5 cells/),
      expect.stringMatching(/^sites\.csv, row 6, column site: .* Did you mean "s5"\?/),
      'sites.csv, row 7, column district: the cell is empty: fill it in.',
      expect.stringMatching(/^devices\.csv, row 2, column class: "apx" is not known/),
      expect.stringMatching(/^devices\.csv, row 2, column serial: "8.69123E\+14" was shortened/),
    ]);
  });

  test('in the quotes', () => {
    const { problems } = plan({ 'rooms.csv': csv('site,room,kind', 's1,r1,classroom', 's1,"r2,classroom') });
    expect(problems).toEqual([
      expect.stringMatching(/^rooms\.csv, row 3: the quotes of this row are not right/),
    ]);
  });

  test('between the rows', () => {
    const { problems } = plan({
      'sites.csv': sites,
      'more-sites.csv': csv('site,kind,district', 's1,campus,nanhai'),
      'rooms.csv': csv('site,room,kind', 's1,r1,classroom', 's1,r1,hall', 's3,r1,classroom'),
      'devices.csv': csv(
        'device,class,site,room,parent',
        'gw-1,gateway,s1,r1,',
        'gw-2,gateway,s2,,',
        'ap-1,ap,s1,r2,gw-1#1',
        'ap-2,ap,s1,r1,gw-l#2',
        'ap-3,ap,s1,r1,gw-2#1',
        'ap-4,ap,s1,r1,ap-1#1',
        'ap-5,ap,s1,r1,ap-5',
        'ap-6,ap,s1,r1,ap-7',
        'ap-7,ap,s1,r1,ap-6',
        'ap-7,ap,s1,r1,gw-1#1#2',
      ),
    });
    expect(problems).toEqual([
      'more-sites.csv, row 2, column site: "s1" is already in sites.csv, row 2: an id is written once; remove one of the rows.',
      expect.stringMatching(/^rooms\.csv, row 3, column room: "s1\/r1" is already in row 2/),
      expect.stringMatching(/^rooms\.csv, row 4, column site: there is no site "s3".* Did you mean "s/),
      expect.stringMatching(
        /^devices\.csv, row 4, column room: site "s1" has no room "r2".* Did you mean "r1"/,
      ),
      expect.stringMatching(
        /^devices\.csv, row 5, column parent: there is no device "gw-l".* Did you mean "gw-1"/,
      ),
      expect.stringMatching(
        /^devices\.csv, row 6, column parent: "gw-2" is at site "s2", this device at "s1"/,
      ),
      expect.stringMatching(/^devices\.csv, row 7, column parent: "ap-1" is a ap; only a gateway has ports/),
      expect.stringMatching(/^devices\.csv, row 8, column parent: a device can not be its own parent/),
      expect.stringMatching(/^devices\.csv, row 9, column parent: .* circle, ap-6 → ap-7 → ap-6/),
      expect.stringMatching(/^devices\.csv, row 11, column parent: "gw-1#1#2" is no parent/),
      expect.stringMatching(/^devices\.csv, row 11, column device: "ap-7" is already in row 10/),
    ]);
  });

  test('a circle through a device that is registered already', () => {
    const { problems } = plan(
      { 'devices.csv': csv('device,class,site,parent', 'gw-1,gateway,s1,co2-1') },
      registered(),
    );
    expect(problems).toEqual([expect.stringMatching(/row 2, column parent: .*gw-1 → co2-1 → ap-1 → gw-1/)]);
  });
});

describe('changes', () => {
  test('are shown by column, from old to new; columns that a file lacks stay', () => {
    const { changes, after } = plan(
      { 'd.csv': csv('device,class,site,parent', 'ap-1,ap,s1,gw-1#13', 'ap-9,ap,s1,', 'gw-1,gateway,s1,') },
      registered(),
    );
    expect(changes).toEqual([
      {
        table: 'devices',
        action: 'change',
        key: 'ap-1',
        fields: [{ column: 'parent', from: 'gw-1#12', to: 'gw-1#13' }],
      },
      expect.objectContaining({ action: 'add', key: 'ap-9' }),
    ]);
    expect(after.devices.get('ap-1')).toMatchObject({ serial: '0012', model: 'A6', room: 'r1' });
  });

  test('an empty cell takes the value away', () => {
    const { changes } = plan({ 's.csv': csv('site,kind,district,stage', 's1,campus,nanhai,') }, registered());
    expect(changes).toMatchObject([
      { action: 'change', key: 's1', fields: [{ column: 'stage', from: 'primary', to: '' }] },
    ]);
  });

  test('without --remove-missing nothing is removed', () => {
    expect(
      plan({ 'devices.csv': csv('device,class,site', 'co2-1,sensor,s1') }, registered()).changes,
    ).toEqual([]);
  });
});

describe('what the files do not name is removed when that is asked for', () => {
  const remove = (files: Readonly<Record<string, Uint8Array>>, current: Registry) =>
    plan(files, current, true);

  test('devices of the sites that the table names', () => {
    const current = registered({ 'x.csv': csv('device,class,site', 'tp-1,sensor,s2') });
    const files = { 'd.csv': csv('device,class,site', 'gw-1,gateway,s1', 'ap-1,ap,s1') };
    expect(remove(files, current).changes).toMatchObject([{ action: 'remove', key: 'co2-1' }]);
  });

  test('sites with all that is theirs', () => {
    const { changes, after } = remove(
      { 's.csv': csv('site,kind,district', 's2,learning_point,shunde') },
      registered(),
    );
    expect(changes.map(({ key }) => key)).toEqual(['s1', 's1/r1', 's1/r2', 'ap-1', 'co2-1', 'gw-1']);
    expect(after.devices.size).toBe(0);
  });

  test('but nothing that others hang on, and nothing by an empty table', () => {
    expect(remove({ 'r.csv': csv('site,room,kind', 's1,r1,classroom') }, registered()).problems).toEqual([
      expect.stringMatching(/^r\.csv: room "r2" of site "s1" would be removed, but device "co2-1" is in it/),
    ]);
    expect(remove({ 'd.csv': csv('device,class,site') }, registered()).problems).toEqual([
      'd.csv: the table of devices has no rows: nothing is removed by an empty table.',
    ]);
  });
});

describe('timetables', () => {
  const header = 'site,weekday,date,start,end,kind,name';
  const timetable = csv(
    header,
    's1,周一至周五,,8:00,08:40,上课,第1节',
    's1,1-5,,08:40:00,08:50,break,',
    's1,,2026-10-01~2026-10-07,,,放假,国庆节',
    's1,Wed,2026年10月10日,,,调休,',
  );

  test('are made of the rows of a site, which replace what it had', () => {
    const current = registered({ 't.csv': timetable });
    expect(current.timetables.get('s1')?.periods).toHaveLength(10);
    expect(current.timetables.get('s1')?.exceptions).toHaveLength(8);
    expect(current.timetables.get('s1')?.exceptions.at(-1)).toEqual({ date: '2026-10-10', follows: 3 });
    const { changes, after } = plan({ 't.csv': csv(header, 's1,Mon,,09:00,09:40,lesson,') }, current);
    expect(after.timetables.get('s1')?.periods).toHaveLength(1);
    expect(changes.map(({ action, key }) => `${action} ${key}`)).toEqual([
      'add s1 Mon 09:00',
      'remove s1 Mon-Fri 08:00',
      'remove s1 Mon-Fri 08:40',
      'remove s1 2026-10-01~2026-10-07',
      'remove s1 2026-10-10',
    ]);
  });

  test('say what is wrong in them', () => {
    const { problems } = plan({
      'sites.csv': sites,
      't.csv': csv(
        header,
        's1,1-5,,08:00,08:40,lesson,',
        's1,Fri,,08:30,09:00,lesson,',
        's1,1月5日,,10:00,10:40,lesson,',
        's1,1,,25:00,10:40,lesson,',
        's1,1,,11:00,10:40,lesson,',
        's1,,2026-02-30,,,holiday,',
        's1,,2026-10-01,,,holiday,',
        's1,,2026-10-01,,,holiday,',
        's1,,2026-10-10,,,makeup,',
        's1,1,2026-10-10,13:00,13:40,lesson,',
      ),
    });
    expect(problems).toEqual([
      't.csv, row 3, column start: the period overlaps the one in row 2: change one of them.',
      expect.stringMatching(/^t\.csv, row 4, column weekday: the spreadsheet program made a date/),
      expect.stringMatching(/^t\.csv, row 4, column weekday: a lesson row needs/),
      expect.stringMatching(/^t\.csv, row 5, column start: "25:00" is no time of day/),
      expect.stringMatching(/^t\.csv, row 5, column start: a lesson row needs/),
      expect.stringMatching(/^t\.csv, row 6, column end: the period ends before it begins/),
      expect.stringMatching(/^t\.csv, row 7, column date: "2026-02-30" is no date/),
      expect.stringMatching(/^t\.csv, row 7, column date: a holiday row needs a date/),
      expect.stringMatching(/^t\.csv, row 9, column date: 2026-10-01 is already an exception in row 8/),
      expect.stringMatching(/^t\.csv, row 10, column weekday: a makeup row needs the one weekday/),
      expect.stringMatching(/^t\.csv, row 11, column date: only a holiday or makeup row has dates/),
    ]);
  });
});
