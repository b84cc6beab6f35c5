import type { Fold } from './fold.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';

/** How the newest two stretches of the clock are kept: how many there are, then a bucket for each, the older first. */
export interface StretchesShape {
  readonly fold: Fold;
  readonly lengthMs: number;
}

const most = 2;
const get = (cells: Cells, i: number): number => cells[i] as number;

export function createStretches(fold: Fold, lengthMs: number): StretchesShape {
  return { fold, lengthMs };
}

export function stretchesSize({ fold }: StretchesShape): number {
  return 1 + most * fold.fields;
}

/** The number of the stretch of the clock that a time is in. */
function stretchOf({ lengthMs }: StretchesShape, at: number, offsetMs: number): number {
  return Math.floor((at + offsetMs) / lengthMs);
}

/** Takes a value into the stretch of the clock that it belongs to; one of a stretch that is forgotten is left out. */
export function addToStretches(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
  value: number,
): void {
  const { fold } = shape;
  const { fields } = fold;
  const stretch = stretchOf(shape, at, offsetMs);
  const count = get(cells, start);
  let k = count - 1;
  const first = start + 1;
  const numberOf = (place: number) => stretchOf(shape, get(cells, first + place * fields), offsetMs);
  while (k >= 0 && numberOf(k) > stretch) k--;
  if (k >= 0 && numberOf(k) === stretch) {
    const i = first + k * fields;
    fold.add(cells, i, at, value);
    if (at > get(cells, i)) cells[i] = at;
    cells[i + 1] = get(cells, i + 1) + 1;
    return;
  }
  if (count < most) {
    cells[start] = count + 1;
    // Behind the one that it is older than.
    if (k < count - 1) cells.copyWithin(first + fields, first, first + fields);
    fold.put(cells, first + (k + 1) * fields, at, value);
  } else if (k >= 0) {
    if (k === 1) cells.copyWithin(first, first + fields, first + 2 * fields);
    fold.put(cells, first + k * fields, at, value);
  }
}

/** Where the bucket of the last whole stretch before `at` is; -1: there is none. */
export function stretchAt(
  shape: StretchesShape,
  cells: Cells,
  start: number,
  at: number,
  offsetMs: number,
): number {
  const wanted = stretchOf(shape, at, offsetMs) - 1;
  const { fields } = shape.fold;
  for (let i = start + 1; i < start + 1 + get(cells, start) * fields; i += fields)
    if (stretchOf(shape, get(cells, i), offsetMs) === wanted) return i;
  return -1;
}

/** How they are written in a checkpoint: the buckets that there are. */
export function packStretches(shape: StretchesShape): Pick<Memory, 'pack' | 'unpack'> {
  const { fields } = shape.fold;
  return {
    pack: (cells, start) => {
      const count = get(cells, start);
      return count === 0 ? undefined : [...cells.subarray(start + 1, start + 1 + count * fields)];
    },
    unpack: (packed, cells, start) => {
      cells[start] = packed.length / fields;
      cells.set(packed, start + 1);
      return true;
    },
  };
}
