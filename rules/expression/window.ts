import type { Metric } from '../../devices/metric.js';
import { aggregations, readAggregate, whenEmpty } from './aggregate.js';
import type { Aggregate } from './aggregate.js';
import {
  addToExtremes,
  createExtremes,
  extremesSizes,
  packExtremes,
  readExtremes,
  unpackExtremes,
} from './extremes.js';
import { folds } from './fold.js';
import type { Fold, FoldName } from './fold.js';
import type { Cells } from './cells.js';
import type { Memory } from './memory.js';
import {
  addOccurrence,
  countOccurrences,
  occurrencesSizes,
  packOccurrences,
  unpackOccurrences,
} from './occurrences.js';
import { addToRing, Buckets, createRing, packRing, ringSizes, unpackRing } from './ring.js';
import type { Sight } from './sight.js';
import { addToStretches, createStretches, packStretches, stretchAt, stretchesSize } from './stretches.js';
import { intervalMsOf } from './weight.js';

/** `sliding`: the time up to now. `tumbling`: the last whole stretch of the clock, such as the last full hour. */
export type WindowKind = 'sliding' | 'tumbling';

/**
 * A window in event time over the values of a metric, or over whether a condition was true. Several questions share
 * one, such as mean and count of the same metric and time.
 */
export interface Window extends Memory {
  /** Compiles a question to it. @param q the share that a quantile asks for */
  question(aggregate: Aggregate, q?: number): ReadCells;
}

/** Reads an answer from the cells of a memory at the sight's time; NaN when it is unknown. */
export type ReadCells = (cells: Cells, start: number, sight: Sight) => number;

/** What is looked back on. */
interface WindowParts {
  readonly of: string;
  readonly metrics: readonly string[];
  readonly onEvents?: boolean;
  readonly words?: readonly string[];
  /** What a reading or an event adds to it, where that is not the value of its metric; NaN where it adds nothing. */
  readonly value?: (sight: Sight) => number;
  readonly fold: FoldName;
  readonly lengthMs: number;
  readonly kind: WindowKind;
}

type Kept = Pick<Memory, 'sizes' | 'pack' | 'unpack'> & {
  readonly add: (cells: Cells, start: number, size: number, added: number, sight: Sight) => boolean;
  readonly question: Window['question'];
};

function createWindow(parts: WindowParts): Window {
  const { of, fold, lengthMs, kind, metrics, value, words, onEvents = false } = parts;
  const { add, ...kept } = keep(fold, lengthMs, kind);
  return {
    key: `${kind}/${fold}/${of}/${lengthMs}`,
    metrics,
    onEvents,
    lookBackMs: kind === 'sliding' ? lengthMs : 2 * lengthMs,
    ...(words === undefined ? {} : { words }),
    ...kept,
    take:
      value === undefined
        ? (cells, start, size, own, sight) => Number.isNaN(own) || add(cells, start, size, own, sight)
        : (cells, start, size, _own, sight) => {
            const added = value(sight);
            return Number.isNaN(added) || add(cells, start, size, added, sight);
          },
  };
}

function keep(fold: FoldName, lengthMs: number, kind: WindowKind): Kept {
  if (kind === 'tumbling') return keepStretches(folds[fold], lengthMs);
  if (fold === 'least' || fold === 'greatest') return keepExtremes(fold, lengthMs);
  return fold === 'times' ? keepOccurrences(lengthMs) : keepRing(folds[fold], lengthMs);
}

/** There is one, which is moved: this is done for every reading. */
const buckets = new Buckets();

function keepRing(fold: Fold, lengthMs: number): Kept {
  const shape = createRing(fold, lengthMs);
  return {
    sizes: ringSizes(shape),
    add: (cells, start, size, added, sight) =>
      addToRing(shape, cells, start, size, sight.at, added, intervalMsOf(sight)),
    pack: (cells, start) => packRing(shape, cells, start),
    unpack: (packed, cells, start, size) => unpackRing(shape, packed, cells, start, size),
    question: (aggregate, q = NaN) => {
      const question = { lengthMs, q, at: 0 };
      return (cells, start, { at }) => {
        question.at = at;
        return readAggregate(aggregate, buckets.lookAtRing(shape, cells, start, at - lengthMs), question);
      };
    },
  };
}

function keepExtremes(which: 'least' | 'greatest', lengthMs: number): Kept {
  const shape = createExtremes(which, lengthMs);
  return {
    sizes: extremesSizes,
    add: (cells, start, size, added, { at }) => addToExtremes(shape, cells, start, size, at, added),
    pack: packExtremes,
    unpack: unpackExtremes,
    question:
      () =>
      (cells, start, { at }) =>
        readExtremes(cells, start, at - lengthMs),
  };
}

function keepOccurrences(lengthMs: number): Kept {
  return {
    sizes: occurrencesSizes,
    add: (cells, start, size, _added, { at }) => addOccurrence(cells, start, size, at, lengthMs),
    pack: packOccurrences,
    unpack: unpackOccurrences,
    question:
      () =>
      (cells, start, { at }) =>
        countOccurrences(cells, start, at - lengthMs),
  };
}

function keepStretches(fold: Fold, lengthMs: number): Kept {
  const shape = createStretches(fold, lengthMs);
  return {
    sizes: [stretchesSize(shape)],
    add: (cells, start, _size, added, sight) => {
      const { at, calendar } = sight;
      addToStretches(shape, cells, start, at, calendar.offsetMs(at), added, intervalMsOf(sight));
      return true;
    },
    ...packStretches(shape),
    question: (aggregate, q = NaN) => {
      const question = { lengthMs, q, at: 0 };
      return (cells, start, { at, calendar }) => {
        const i = stretchAt(shape, cells, start, at, calendar.offsetMs(at));
        if (i < 0) return NaN;
        question.at = cells[i] as number;
        return readAggregate(aggregate, buckets.lookAtOne(cells, i), question);
      };
    },
  };
}

/** @param metric its words, where it has words, are counted by their places in the list of them */
export function createMetricWindow(
  aggregate: Aggregate,
  name: string,
  metric: Metric,
  lengthMs: number,
  kind: WindowKind = 'sliding',
): Window {
  const { fold } = aggregations[aggregate];
  const words = metric.kind === 'word' ? { words: metric.words } : {};
  return createWindow({ of: name, metrics: [name], fold, lengthMs, kind, ...words });
}

/** What `share(condition, "1h")` looks back on. @param text the condition as written, which names the window */
export function createTruthWindow(
  text: string,
  metrics: readonly string[],
  test: (sight: Sight) => boolean | undefined,
  lengthMs: number,
  kind: WindowKind = 'sliding',
): Window {
  const value = (sight: Sight) => {
    const holds = test(sight);
    return holds === undefined ? NaN : holds ? 1 : 0;
  };
  return createWindow({ of: `(${text})`, metrics, value, fold: 'span', lengthMs, kind });
}

/** What `events("radar", "24h")` looks back on. */
export function createEventWindow(type: string, lengthMs: number): Window {
  const value = ({ event }: Sight) => (event === type ? 1 : NaN);
  const of = `event ${type}`;
  return createWindow({ of, metrics: [], onEvents: true, value, fold: 'times', lengthMs, kind: 'sliding' });
}

/** What a question gives where there is nothing of the window yet. */
export const unasked = whenEmpty;
