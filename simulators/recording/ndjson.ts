import { open } from 'node:fs/promises';
import { z } from 'zod';
import { issueWords } from '../../devices/issue-words.js';
import { AppError } from '../../runtime/app-error.js';
import type { RecordedReading } from './recorded-reading.js';

const metrics = z.record(
  z.string(),
  z.union([z.number(), z.string()], { error: 'must be a number or text' }),
);

// Whether the metrics mean anything is the pipeline's to judge: a recording may hold bad readings on purpose.
const line = z.object({
  ts: z.int(),
  m: metrics.default({}),
  parts: z.record(z.string(), metrics).optional(),
});

/**
 * Reads one telemetry object a line, as devices send it; recorded `seq` and `boot` are left out.
 * @throws AppError `bad_row` naming file and line
 */
export async function* readNdjson(file: string): AsyncGenerator<RecordedReading> {
  const handle = await open(file);
  try {
    let number = 0;
    for await (const text of handle.readLines()) {
      number += 1;
      if (text.trim() === '') continue;
      const reading = parseNdjsonLine(text);
      if ('wrong' in reading) throw new AppError('bad_row', `${file}, line ${number}: ${reading.wrong}.`);
      yield reading;
    }
  } finally {
    await handle.close();
  }
}

/** One line as a reading, or in a few words why it isn't one. */
export function parseNdjsonLine(text: string): RecordedReading | { readonly wrong: string } {
  let decoded: unknown;
  try {
    decoded = JSON.parse(text);
  } catch {
    return { wrong: 'not a JSON object like {"ts":1425200000000,"m":{"co2_ppm":612}}' };
  }
  const result = line.safeParse(decoded);
  if (!result.success) {
    const issue = result.error.issues[0];
    return { wrong: `${issue?.path.join('.') || 'the line'} ${issue ? issueWords(issue) : 'is no reading'}` };
  }
  const { ts, m, parts } = result.data;
  return { at: ts, m, parts };
}
