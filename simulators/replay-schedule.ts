/** When each row of a recording is sent, and with which time. */
export interface ReplaySchedule {
  /** Pipeline time at which the row recorded at `at` is sent, epoch ms. */
  readonly sendAt: (at: number) => number;
  /** The `ts` it is sent with, epoch ms; never later than `sendAt`, unless recorded times are kept. */
  readonly eventAt: (at: number) => number;
}

/**
 * Lays a recording on the pipeline's time so that its latest row is measured at the moment it is sent. Played
 * faster than recorded, the rows before it are older than their sending; played slower, it is the first row
 * that fits, and those after it are older: no row ever lies in the future.
 */
export function scheduleReplay(options: {
  readonly firstAt: number;
  readonly latestAt: number;
  /** Pipeline time at which the first row is sent. */
  readonly startAt: number;
  /** Recorded seconds per pipeline second; `max` waits for nothing. */
  readonly speed: number | 'max';
  /** Leaves the recorded times as they are. */
  readonly keepTime: boolean;
}): ReplaySchedule {
  const { firstAt, latestAt, startAt, speed, keepTime } = options;
  const pace = speed === 'max' ? 0 : 1 / speed;
  const shift = keepTime ? 0 : Math.floor(startAt - firstAt + Math.min(0, (latestAt - firstAt) * (pace - 1)));
  return {
    sendAt: (at) => startAt + Math.max(0, at - firstAt) * pace,
    eventAt: (at) => at + shift,
  };
}
