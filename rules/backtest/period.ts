/** A stretch of time, epoch ms; `until` is not part of it. */
export interface Period {
  readonly from: number;
  readonly until: number;
}
