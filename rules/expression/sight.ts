import type { PresenceState } from '../../devices/presence.js';
import type { MetricValue } from '../../devices/telemetry.js';
import type { Calendar } from '../calendar.js';
import { emptyCalendar } from '../calendar.js';
import type { DeviceRef } from '../device-ref.js';
import type { GroupKind } from '../group-kind.js';
import type { Cells } from './cells.js';

export type Metrics = Readonly<Record<string, MetricValue>>;

/** What conditions can know of a group of devices. */
export interface GroupSight {
  /** How many devices it has. */
  readonly size: number;
  /** How many of them are in each of the conditions that are counted, by its place. */
  readonly counts: readonly number[];
  /** The median over its devices of each metric that is compared, by its place; absent where too few report it. */
  readonly medians: readonly (number | undefined)[];
}

/** Which alarms of a device are active, by the places of their rules. */
export type ActiveAlarms = readonly ({ readonly level: number } | undefined)[];

/**
 * All that a condition can look at. The engine has one and moves it from reading to reading, so that
 * evaluating a condition allocates nothing.
 */
export interface Sight {
  /** Event time of the reading, or pipeline time of the tick; epoch ms. */
  at: number;
  /** Metrics of what is judged: the device, or one of its parts. */
  metrics: Metrics;
  /** What is remembered of it, and where that of each memory begins, by its place; -1 where there is nothing. */
  cells: Cells;
  starts: Int32Array;
  alarms: ActiveAlarms;
  /** Metrics of the whole device, for what a part doesn't report itself. */
  deviceMetrics: Metrics;
  deviceCells: Cells;
  deviceStarts: Int32Array;
  deviceAlarms: ActiveAlarms;
  /** The name of the part; undefined for the device itself. */
  part: string | undefined;
  /** The type of the event that is judged; undefined for anything else. */
  event: string | undefined;
  /** Seconds since anything was heard of the device; NaN where its silence may not be its own. */
  silenceS: number;
  /** Event time of the device's newest reading. */
  heardUntil: number;
  /** For how long after it was reported a value is still known, ms. */
  knownMs: number;
  /** Undefined where nobody said. */
  presence: PresenceState | undefined;
  device: DeviceRef;
  /** The groups of the device. */
  groups: Readonly<Partial<Record<GroupKind, GroupSight>>>;
  /** The group that is judged, where that is no device. */
  group: GroupSight | undefined;
  calendar: Calendar;
  /** A memory that is kept apart has changed. */
  slowChanged: boolean;
}

const noCells = new Float64Array(0);
const noStarts = new Int32Array(0);

export function createSight(calendar: Calendar = emptyCalendar): Sight {
  return {
    at: 0,
    metrics: {},
    cells: noCells,
    starts: noStarts,
    alarms: [],
    deviceMetrics: {},
    deviceCells: noCells,
    deviceStarts: noStarts,
    deviceAlarms: [],
    part: undefined,
    event: undefined,
    silenceS: 0,
    heardUntil: -Infinity,
    knownMs: Infinity,
    presence: undefined,
    device: { id: '', site: '', deviceClass: 'sensor' },
    groups: {},
    group: undefined,
    calendar,
    slowChanged: false,
  };
}
