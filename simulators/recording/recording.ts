import { open } from 'node:fs/promises';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { readNdjson } from './ndjson.js';
import type { RecordedReading } from './recorded-reading.js';
import { readUciOccupancy, uciHeader } from './uci-occupancy.js';

/** The file formats that can be replayed. */
export const recordingFormats = ['uci-occupancy', 'ndjson'] as const;
export type RecordingFormat = (typeof recordingFormats)[number];

/** A recorded file that was read once to its end, so that every row of it is known to be good. */
export interface Recording {
  readonly format: RecordingFormat;
  readonly rows: number;
  /** Recorded times of the first row and of the latest one, epoch ms. */
  readonly firstAt: number;
  readonly latestAt: number;
  /** Reads the rows in the file's order; each call starts anew. */
  read(): AsyncGenerator<RecordedReading>;
}

/**
 * Opens a recorded file and checks all of it before anything is sent.
 * @param format @defaultValue what the first line looks like
 * @throws AppError `no_file`, `unknown_format`, `bad_row`, `nothing_to_send`
 */
export async function openRecording(file: string, format?: RecordingFormat): Promise<Recording> {
  const start = await readStart(file);
  if (start.trim() === '')
    throw new AppError('nothing_to_send', `${file} is empty: there is nothing to send.`);
  const actual = format ?? detectFormat(start);
  if (actual === undefined) {
    throw new AppError(
      'unknown_format',
      `${file} looks like neither ${recordingFormats.join(' nor ')}: say which with --format.`,
    );
  }
  const read = () => (actual === 'ndjson' ? readNdjson(file) : readUciOccupancy(file));
  let rows = 0;
  let firstAt = 0;
  let latestAt = 0;
  for await (const { at } of read()) {
    if (rows === 0) firstAt = latestAt = at;
    else latestAt = Math.max(latestAt, at);
    rows += 1;
  }
  if (rows === 0) throw new AppError('nothing_to_send', `${file} has no rows: there is nothing to send.`);
  return { format: actual, rows, firstAt, latestAt, read };
}

function detectFormat(start: string): RecordingFormat | undefined {
  const text = start.trimStart();
  if (text.startsWith('{')) return 'ndjson';
  return text.startsWith(uciHeader) ? 'uci-occupancy' : undefined;
}

async function readStart(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
      return buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : messageOf(error);
    throw new AppError('no_file', `Can not read ${file}: ${why}.`, { cause: error });
  }
}
