/** How a follower of the log is asked to end. */
export interface StopSignals {
  /** Nothing more will be appended: end when all is dealt with. */
  readonly drain: AbortSignal;
  /** End now; the rest is dealt with after the next start. */
  readonly abort: AbortSignal;
}
