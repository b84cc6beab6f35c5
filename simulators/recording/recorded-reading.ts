/** One line of a recording: what was measured at one recorded time. */
export interface RecordedReading {
  /** Recorded time, epoch ms. */
  readonly at: number;
  readonly m: Readonly<Record<string, number | string>>;
  readonly parts?: Readonly<Record<string, Readonly<Record<string, number | string>>>> | undefined;
}
