import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { AppError, messageOf } from '../../runtime/app-error.js';
import type { RecordedReading } from './recorded-reading.js';

/** The header line of the UCI Occupancy files, which lacks the row number that every row begins with. */
export const uciHeader = '"date","Temperature","Humidity","Light","CO2","HumidityRatio","Occupancy"';

/**
 * Reads a file of the UCI Occupancy data set row by row. Its wall times are taken as Asia/Shanghai, so that
 * a lesson of the recording is a lesson of ours.
 * @throws AppError `bad_row` naming file and line
 */
export async function* readUciOccupancy(file: string): AsyncGenerator<RecordedReading> {
  const parser = parse({ from_line: 2, relax_column_count: true, skip_empty_lines: true, info: true });
  // The callback is for nobody: an error of the file destroys the parser and is thrown below.
  const rows = pipeline(createReadStream(file), parser, () => undefined) as AsyncIterable<ParsedRow>;
  const iterator = rows[Symbol.asyncIterator]();
  try {
    for (;;) {
      const row = await nextRow(iterator, file);
      if (row === undefined) return;
      const reading = parseUciRow(row.record);
      if ('wrong' in reading)
        throw new AppError('bad_row', `${file}, line ${row.info.lines}: ${reading.wrong}.`);
      yield reading;
    }
  } finally {
    parser.destroy();
  }
}

interface ParsedRow {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function nextRow(rows: AsyncIterator<ParsedRow>, file: string): Promise<ParsedRow | undefined> {
  try {
    const next = await rows.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    const line = (error as { lines?: number }).lines;
    throw new AppError(
      'bad_row',
      `${file}${line === undefined ? '' : `, line ${line}`}: ${messageOf(error)}.`,
    );
  }
}

/** One row as a reading, or in a few words why it isn't one. HumidityRatio follows from the others and is left out. */
export function parseUciRow(cells: readonly string[]): RecordedReading | { readonly wrong: string } {
  const [, date = '', temperature, humidity, light, co2, , occupancy] = cells;
  if (cells.length !== 8) return { wrong: `the row has ${cells.length} columns instead of 8` };
  const at = Date.parse(`${date.replace(' ', 'T')}+08:00`);
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(date) || Number.isNaN(at)) {
    return { wrong: `"${date}" is no date like 2015-02-04 17:51:00` };
  }
  const m: Record<string, number> = {};
  for (const [name, text, decimals] of [
    ['temp_c', temperature, 2],
    ['rh_pct', humidity, 2],
    ['lux', light, 1],
    ['co2_ppm', co2, 1],
    ['occupied', occupancy, 0],
  ] as const) {
    const value = Number(text);
    if (text === undefined || text.trim() === '' || !Number.isFinite(value)) {
      return { wrong: `"${text}" is no number for ${name}` };
    }
    m[name] = Number(value.toFixed(decimals));
  }
  return { at, m };
}
