/**
 * The one clock of a pipeline: event times, hold times, lateness, timetables and budgets run on it.
 * Sockets, retries and job locks stay on the wall clock. All times are epoch milliseconds.
 */
export interface Clock {
  readonly spec: ClockSpec;
  /** Pipeline time, epoch ms. */
  now(): number;
  /** How many wall milliseconds pass while `pipelineMs` of pipeline time do. */
  wallMs(pipelineMs: number): number;
}

/** What all roles, the simulator and the mails share to agree on the time; kept in Redis. */
export type ClockSpec =
  | { readonly kind: 'wall' }
  | {
      readonly kind: 'simulated';
      /** Pipeline time at `anchorAt`, epoch ms. */
      readonly originAt: number;
      /** Wall time at which the clock was started, epoch ms. */
      readonly anchorAt: number;
      /** Pipeline seconds per wall second, > 0. */
      readonly speed: number;
    };

/** The clock that a spec describes. `wallNow` is for tests. */
export function createClock(spec: ClockSpec, wallNow: () => number = Date.now): Clock {
  if (spec.kind === 'wall') return { spec, now: wallNow, wallMs: (ms) => ms };
  const { originAt, anchorAt, speed } = spec;
  return {
    spec,
    now: () => Math.round(originAt + (wallNow() - anchorAt) * speed),
    wallMs: (ms) => ms / speed,
  };
}
