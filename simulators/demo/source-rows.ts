import { join } from 'node:path';
import { AppError } from '../../runtime/app-error.js';
import { projectRoot } from '../../runtime/project-root.js';
import { readUciOccupancy } from '../recording/uci-occupancy.js';
import { sourceTime } from './source-time.js';

type Metrics = Readonly<Record<string, number | string>>;

/** The recording that is shipped, by the minute. */
export interface SourceRows {
  /** What a demo room measures at pipeline time `at`. */
  rowAt(at: number, offsetMinutes: number): Metrics;
}

/**
 * Reads the shipped recording (simulators/data/SOURCE.md) into memory.
 * @throws AppError `bad_recording` when the file is not as shipped
 */
export async function loadSourceRows(): Promise<SourceRows> {
  const file = join(projectRoot, 'simulators/data/uci-occupancy-datatraining.txt');
  const byMinute = new Map<number, Metrics>();
  // The logger's clock ran to a second before the minute as often as to the minute itself.
  for await (const { at, m } of readUciOccupancy(file)) byMinute.set(Math.round(at / 60_000) * 60_000, m);
  return {
    rowAt(at, offsetMinutes) {
      const minute = sourceTime(at, offsetMinutes);
      const row = byMinute.get(minute);
      if (row !== undefined) return row;
      throw new AppError(
        'bad_recording',
        `${file} has no row for ${new Date(minute).toISOString()}: restore it.`,
      );
    },
  };
}
