import type { Cells } from './cells.js';
import type { Sight } from './sight.js';

/** How something is remembered of a device. Several questions share one. Its cells are 0 at first. */
export interface Memory {
  /** Its name in the checkpoint: what it is over, and how it is kept. */
  readonly key: string;
  /** A reading without any of these has nothing to do with it. */
  readonly metrics: readonly string[];
  /** Events have to do with it. */
  readonly onEvents: boolean;
  /** How far back what it holds may go, ms of event time; 0 where only the newest counts. */
  readonly lookBackMs: number;
  /** How many cells it can have: it begins with the least, and is given more when they are not enough. */
  readonly sizes: readonly number[];
  /** The place of another memory that it writes to, which has cells whenever it has. */
  readonly fills?: number;
  /** It changes once an hour or so, and is large: it is kept apart in the checkpoint. */
  readonly slow?: boolean;
  /**
   * Takes what the sight shows into its cells.
   * @param start where its cells begin @param size how many there are
   * @param value of its metric as a number, where it is about one; NaN where that is none
   * @returns false where it needs more cells first; it is asked again then
   */
  take(cells: Cells, start: number, size: number, value: number, sight: Sight): boolean;
  /** Its numbers for a checkpoint; undefined where there are none yet. */
  pack(cells: Cells, start: number): number[] | undefined;
  /** The inverse of `pack`, into cells that are 0. @returns false where it needs more cells */
  unpack(packed: readonly number[], cells: Cells, start: number, size: number): boolean;
  /** Whether something is waited for in it, so that time alone can make a condition true. */
  readonly isWaiting?: (cells: Cells, start: number) => boolean;
  /** The words of its metric, which are counted by their places. */
  readonly words?: readonly string[];
}

/** How a memory of a fixed number of cells is written; the first of them is 0 while there is nothing in it. */
export function asWritten(size: number): Pick<Memory, 'sizes' | 'pack' | 'unpack'> {
  return {
    sizes: [size],
    pack: (cells, start) => (cells[start] === 0 ? undefined : [...cells.subarray(start, start + size)]),
    // What is not a number is null in JSON.
    unpack: (packed: readonly (number | null)[], cells, start) => {
      for (let i = 0; i < size; i++) cells[start + i] = packed[i] ?? NaN;
      return true;
    },
  };
}
