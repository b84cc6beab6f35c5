import type { BacktestOutcome } from './run-backtest.js';

/** Examples of a rule's differences that are printed; all of a city's would be megabytes. */
const mostExamples = 100;

/** The outcome as `--json` prints it: with all numbers, and of long lists of differences their beginning. */
export function toJson(outcome: BacktestOutcome): object {
  const { diff, seconds, readings, events, ...rest } = outcome;
  return {
    ...rest,
    readings,
    events,
    seconds,
    perSecond: Math.round((readings + events) / Math.max(seconds, 0.001)),
    ...(diff === undefined
      ? {}
      : {
          diff: diff.map(({ added, removed, moved, ...counts }) => ({
            ...counts,
            added: { count: added.length, examples: added.slice(0, mostExamples) },
            removed: { count: removed.length, examples: removed.slice(0, mostExamples) },
            moved: { count: moved.length, examples: moved.slice(0, mostExamples) },
          })),
        }),
  };
}
