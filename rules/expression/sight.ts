import type { PresenceState } from '../../devices/presence.js';
import type { MetricValue } from '../../devices/telemetry.js';
import type { WindowContent } from './fold.js';

export type Metrics = Readonly<Record<string, MetricValue>>;
export type Windows = Record<string, WindowContent>;

/**
 * All that a condition can look at. The engine has one and moves it from reading to reading, so that
 * evaluating a condition allocates nothing.
 */
export interface Sight {
  /** Event time of the reading, or pipeline time of the tick; epoch ms. */
  at: number;
  /** Metrics of what is judged: the device, or one of its parts. */
  metrics: Metrics;
  windows: Windows;
  /** Metrics of the whole device, for what a part doesn't report itself. */
  deviceMetrics: Metrics;
  deviceWindows: Windows;
  /** Seconds since anything was heard of the device; NaN where its silence may not be its own. */
  silenceS: number;
  /** Undefined where nobody said. */
  presence: PresenceState | undefined;
  /** Seconds between two reports of the device. */
  intervalS: number;
}

export function createSight(): Sight {
  return {
    at: 0,
    metrics: {},
    windows: {},
    deviceMetrics: {},
    deviceWindows: {},
    silenceS: 0,
    presence: undefined,
    intervalS: 60,
  };
}
