import type { DeviceClass } from '../../devices/device-class.js';
import type { PresenceState } from '../../devices/presence.js';
import type { Windows } from '../expression/sight.js';
import { packWindow, unpackWindow } from '../expression/window.js';
import { alarmId } from './alarm-id.js';
import type { AlarmState } from './alarm-state.js';
import type { Program } from './program.js';

/** Which device something is about; what the engine needs to know of it. */
export interface DeviceRef {
  readonly id: string;
  readonly site: string;
  readonly deviceClass: DeviceClass;
  /** Seconds between two of its reports, where known; `interval_s` in conditions (60 where unknown). */
  readonly intervalS?: number | undefined;
}

/** What rules are evaluated on: a device, or one of its parts. */
export interface Subject {
  readonly windows: Windows;
  /** Alarms that are not at rest, by rule. */
  readonly alarms: Map<string, AlarmState>;
}

/** All that the engine remembers of one device. */
export interface DeviceState extends Subject {
  device: DeviceRef;
  readonly program: Program;
  /** Pipeline time at which anything was last heard of the device. */
  heardAt: number;
  /** Event time of its newest reading; -Infinity before the first. */
  newestAt: number;
  /** It said that it goes to sleep: its silence is no fault. */
  asleep: boolean;
  /** `presence` in conditions; undefined until somebody says. */
  presence: PresenceState | undefined;
  /** Its silence may be that of what it is reached through: nobody can say how long it was silent itself. */
  excused: boolean;
  readonly parts: Map<string, Subject>;
  /** Differs from what `takeChanges` last gave out. */
  changed: boolean;
}

export function createDeviceState(device: DeviceRef, program: Program): DeviceState {
  return {
    device,
    program,
    heardAt: -Infinity,
    newestAt: -Infinity,
    asleep: false,
    presence: undefined,
    excused: false,
    windows: {},
    alarms: new Map(),
    parts: new Map(),
    changed: false,
  };
}

export function createSubject(): Subject {
  return { windows: {}, alarms: new Map() };
}

/** phase, since, raisedAt, seenAt */
type SavedAlarm = [AlarmState['phase'], number, number, number];

interface SavedSubject {
  w?: Record<string, number[]>;
  a?: Record<string, SavedAlarm>;
}

/** A device's state as kept in the checkpoint: short names, because there is one for every device of a city. */
interface SavedDevice extends SavedSubject {
  site: string;
  class: DeviceClass;
  interval?: number | undefined;
  /** heardAt and newestAt; null stands for never. */
  heard: number | null;
  newest: number | null;
  asleep?: true;
  presence?: PresenceState | undefined;
  excused?: true;
  parts?: Record<string, SavedSubject>;
}

export function serializeDeviceState(state: DeviceState): string {
  const { device } = state;
  const saved: SavedDevice = {
    site: device.site,
    class: device.deviceClass,
    interval: device.intervalS,
    heard: finiteOrNull(state.heardAt),
    newest: finiteOrNull(state.newestAt),
    ...(state.asleep ? { asleep: true } : {}),
    presence: state.presence,
    ...(state.excused ? { excused: true } : {}),
    ...saveSubject(state, state.program),
  };
  if (state.parts.size > 0) {
    saved.parts = Object.fromEntries(
      [...state.parts].map(([part, subject]) => [part, saveSubject(subject, state.program)]),
    );
  }
  return JSON.stringify(saved);
}

/** A device as it was saved, and the ids of its active alarms whose rules are no more. */
export interface RestoredDevice {
  readonly state: DeviceState;
  readonly abandoned: readonly string[];
}

/** The inverse of `serializeDeviceState`. What belongs to rules that are no more is left out. */
export function restoreDeviceState(
  id: string,
  json: string,
  programs: Readonly<Record<DeviceClass, Program>>,
): RestoredDevice {
  const saved = JSON.parse(json) as SavedDevice;
  const device: DeviceRef = { id, site: saved.site, deviceClass: saved.class, intervalS: saved.interval };
  const program = programs[saved.class];
  const state = createDeviceState(device, program);
  state.heardAt = saved.heard ?? -Infinity;
  state.newestAt = saved.newest ?? -Infinity;
  state.asleep = saved.asleep ?? false;
  state.presence = saved.presence;
  state.excused = saved.excused ?? false;
  const abandoned: string[] = [];
  const abandon = (part: string | undefined) => (rule: string, raisedAt: number) =>
    abandoned.push(alarmId(rule, id, part, raisedAt));
  restoreSubject(state, saved, program, abandon(undefined));
  for (const [part, savedPart] of Object.entries(saved.parts ?? {})) {
    const subject = createSubject();
    restoreSubject(subject, savedPart, program, abandon(part));
    state.parts.set(part, subject);
  }
  return { state, abandoned };
}

function saveSubject(subject: Subject, program: Program): SavedSubject {
  const saved: SavedSubject = {};
  for (const window of program.windows) {
    const content = subject.windows[window.key];
    if (content !== undefined) (saved.w ??= {})[window.key] = packWindow(window, content);
  }
  if (subject.alarms.size > 0) {
    saved.a = Object.fromEntries(
      [...subject.alarms].map(([rule, alarm]) => [
        rule,
        [alarm.phase, alarm.since, alarm.raisedAt, alarm.seenAt],
      ]),
    );
  }
  return saved;
}

function restoreSubject(
  subject: Subject,
  saved: SavedSubject,
  program: Program,
  abandon: (rule: string, raisedAt: number) => void,
): void {
  for (const window of program.windows) {
    const packed = saved.w?.[window.key];
    if (packed !== undefined) subject.windows[window.key] = unpackWindow(window, packed);
  }
  const rules = new Set([...program.readingRules, ...program.silenceRules].map((rule) => rule.id));
  for (const [rule, [phase, since, raisedAt, seenAt]] of Object.entries(saved.a ?? {})) {
    if (rules.has(rule)) subject.alarms.set(rule, { phase, since, raisedAt, seenAt });
    else if (phase !== 'pending') abandon(rule, raisedAt);
  }
}

function finiteOrNull(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}
