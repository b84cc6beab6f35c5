import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../runtime/project-root.js';
import { parseNdjsonLine } from '../../../simulators/recording/ndjson.js';
import type { RecordedReading } from '../../../simulators/recording/recorded-reading.js';
import { openRecording } from '../../../simulators/recording/recording.js';
import { parseUciRow, uciHeader } from '../../../simulators/recording/uci-occupancy.js';

const goodRow = '"1","2015-02-04 17:51:00",23.18,27.272,426,721.25,0.00479298817650529,1';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'campus-recording-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(...lines: string[]): Promise<string> {
  const file = join(folder, `${Math.random()}.txt`);
  await writeFile(file, lines.join('\n'));
  return file;
}

async function all(rows: AsyncIterable<RecordedReading>): Promise<RecordedReading[]> {
  const read: RecordedReading[] = [];
  for await (const row of rows) read.push(row);
  return read;
}

describe('the uci-occupancy format', () => {
  it('maps the columns to metrics, rounded, and takes the time as Asia/Shanghai', () => {
    const cells = ['5', '2015-02-04 17:54:59', '23.133333333333', '27.2', '0', '713.66666666', '0.0047', '0'];
    expect(parseUciRow(cells)).toEqual({
      at: Date.parse('2015-02-04T09:54:59Z'),
      m: { temp_c: 23.13, rh_pct: 27.2, lux: 0, co2_ppm: 713.7, occupied: 0 },
    });
  });

  it.each([
    [['1', '2015-02-04', '1', '1', '1', '1', '1', '1'], '"2015-02-04" is no date'],
    [['1', '2015-13-04 17:51:00', '1', '1', '1', '1', '1', '1'], 'is no date'],
    [['1', '2015-02-04 17:51:00', '1', '1', '1', 'n/a', '1', '1'], '"n/a" is no number for co2_ppm'],
    [['1', '2015-02-04 17:51:00', '', '1', '1', '1', '1', '1'], '"" is no number for temp_c'],
    [['1', '2015-02-04 17:51:00', '1'], '3 columns instead of 8'],
  ])('says what is wrong with the row %j', (cells, wrong) => {
    expect(parseUciRow(cells)).toEqual({ wrong: expect.stringContaining(wrong) as string });
  });

  it('is recognised by its header, and the shipped file is read to its end', async () => {
    const recording = await openRecording(
      join(projectRoot, 'simulators/data/uci-occupancy-datatraining.txt'),
    );
    expect(recording).toMatchObject({
      format: 'uci-occupancy',
      rows: 8143,
      firstAt: Date.parse('2015-02-04T17:51:00+08:00'),
      latestAt: Date.parse('2015-02-10T09:33:00+08:00'),
    });
    expect(await all(recording.read())).toHaveLength(8143);
  });

  it('names file and line of a bad row', async () => {
    const file = await fileWith(uciHeader, goodRow, goodRow.replace('426', 'dark'), goodRow);
    await expect(openRecording(file)).rejects.toThrow(`${file}, line 3: "dark" is no number for lux.`);
  });

  it('names file and line of a broken quote', async () => {
    const file = await fileWith(uciHeader, goodRow, '"2","2015-02-04 17:52:00"x,1,2,3,4,5,1');
    await expect(openRecording(file)).rejects.toThrow(/^.*txt, line 3: /);
  });
});

describe('the ndjson format', () => {
  it('takes metrics and parts, and leaves recorded seq and boot out', () => {
    const line =
      '{"ts":1425200000000,"seq":7,"boot":"x","m":{"clients":3},"parts":{"radio5":{"channel":36}}}';
    expect(parseNdjsonLine(line)).toEqual({
      at: 1_425_200_000_000,
      m: { clients: 3 },
      parts: { radio5: { channel: 36 } },
    });
  });

  it('passes on metrics that only the pipeline can judge', () => {
    expect(parseNdjsonLine('{"ts":5,"m":{"co2_ppm":-1,"nonsense":"x"}}')).toMatchObject({ at: 5 });
  });

  it('is recognised by its first line, skips blank lines and finds the latest time', async () => {
    const recording = await openRecording(
      await fileWith('{"ts":30,"m":{}}', '', '{"ts":50,"m":{}}', '{"ts":40,"m":{}}'),
    );
    expect(recording).toMatchObject({ format: 'ndjson', rows: 3, firstAt: 30, latestAt: 50 });
    expect((await all(recording.read())).map(({ at }) => at)).toEqual([30, 50, 40]);
  });

  it.each([
    ['{"ts":1,', 'line 2: not a JSON object'],
    ['[1]', 'line 2: the line must be an object.'],
    ['{"ts":"now","m":{}}', 'line 2: ts must be a number.'],
    ['{"ts":1,"m":{"co2_ppm":null}}', 'line 2: m.co2_ppm must be a number or text.'],
  ])('names file and line of %s', async (line, message) => {
    const file = await fileWith('{"ts":1,"m":{}}', line);
    await expect(openRecording(file)).rejects.toThrow(`${file}, ${message}`);
  });
});

describe('a file that can not be replayed', () => {
  it('is missing', async () => {
    await expect(openRecording('/nowhere/x.csv')).rejects.toThrow(
      'Can not read /nowhere/x.csv: there is no such file.',
    );
  });

  it('is a folder', async () => {
    await expect(openRecording(folder)).rejects.toThrow(`Can not read ${folder}: it is a folder.`);
  });

  it('is empty, or has a header only', async () => {
    await expect(openRecording(await fileWith(''))).rejects.toThrow('is empty: there is nothing to send');
    await expect(openRecording(await fileWith(uciHeader))).rejects.toThrow(
      'has no rows: there is nothing to send',
    );
  });

  it('is of no known format', async () => {
    await expect(openRecording(await fileWith('time;co2', '1;2'))).rejects.toThrow(
      'looks like neither uci-occupancy nor ndjson: say which with --format',
    );
  });
});
