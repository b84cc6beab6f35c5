import type { PresenceVerdict } from '../../devices/presence.js';
import type { Reading } from '../../devices/telemetry.js';
import type { Transition } from '../alarm.js';
import { createSight } from '../expression/sight.js';
import type { Metrics } from '../expression/sight.js';
import { addToWindow } from '../expression/window.js';
import type { CompiledRule } from '../rule.js';
import { alarmId } from './alarm-id.js';
import { stepAlarm } from './alarm-state.js';
import type { DeviceRef, DeviceState, Subject } from './device-state.js';
import {
  createDeviceState,
  createSubject,
  restoreDeviceState,
  serializeDeviceState,
} from './device-state.js';
import { createPrograms } from './program.js';
import { createTransition } from './transition.js';

/**
 * Evaluates rules: readings and the passing of time in, alarm transitions out, in a fixed order. It has no clock
 * and does no I/O, so the same calls always yield the same transitions, live, after a restart and in a backtest.
 */
export interface Engine {
  /**
   * Takes a reading that arrived at `arrivedAt`. One that is not newer than the device's newest goes into the
   * windows, in its place, but moves no alarm.
   */
  reading(device: DeviceRef, reading: Reading, arrivedAt: number): readonly Transition[];
  /**
   * Anything else was heard of the device at `at`. One that is `asleep` is not missed until it is heard again.
   */
  lastSeen(device: DeviceRef, at: number, asleep?: boolean): void;
  /**
   * The presence of a device changed at `at`; the next tick judges by it. While it is `unknown` or its silence is
   * excused, alarms about silence are neither raised nor cleared.
   */
  presence(device: DeviceRef, verdict: PresenceVerdict, at: number): void;
  /**
   * The device is no more.
   * @returns the ids of its active alarms
   */
  forget(device: string): readonly string[];
  /** The front door opened: before that nobody could be heard, so silence counts from here at the earliest. */
  opened(at: number): void;
  /** Pipeline time has come to `at`: judges the silence of every device. */
  tick(at: number): readonly Transition[];
  /** What differs since the last call, as JSON by device; `@engine` stands for what is no device's. */
  takeChanges(): Map<string, string>;
  /**
   * Puts one entry of `takeChanges` back, before anything else is called.
   * @returns the ids of active alarms whose rules are no more: the engine forgets them
   */
  restore(key: string, json: string): readonly string[];
}

const engineKey = '@engine';
const defaultIntervalS = 60;

/** No device of ours has more parts than this; a faulty one must not fill the memory with made-up names. */
const mostParts = 64;

const none: readonly Transition[] = [];

export function createEngine(rules: readonly CompiledRule[]): Engine {
  const programs = createPrograms(rules);
  const devices = new Map<string, DeviceState>();
  const sight = createSight();
  let changes: DeviceState[] = [];
  let openedAt = -Infinity;
  let openedChanged = false;

  const markChanged = (state: DeviceState) => {
    if (state.changed) return;
    state.changed = true;
    changes.push(state);
  };

  const stateOf = (device: DeviceRef): DeviceState => {
    let state = devices.get(device.id);
    if (state?.device.deviceClass !== device.deviceClass) {
      state = createDeviceState(device, programs[device.deviceClass]);
      devices.set(device.id, state);
    }
    state.device = device;
    markChanged(state);
    return state;
  };

  const fillWindows = (state: DeviceState, subject: Subject, metrics: Metrics, reading: Reading) => {
    sight.at = reading.ts;
    sight.metrics = metrics;
    sight.deviceMetrics = reading.m;
    for (const window of state.program.windows) {
      if (!window.metrics.some((name) => name in metrics)) continue;
      const value = window.value(sight);
      if (!Number.isNaN(value)) addToWindow(window, (subject.windows[window.key] ??= []), reading.ts, value);
    }
  };

  /** Moves one rule of one subject on to where the sight stands. */
  const evaluate = (
    rule: CompiledRule,
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
  ): Transition | undefined => {
    const before = subject.alarms.get(rule.id);
    const { state: after, transition } = stepAlarm(rule, before, sight);
    if (after === before) return undefined;
    if (after === undefined) subject.alarms.delete(rule.id);
    else subject.alarms.set(rule.id, after);
    if (transition === undefined) return undefined;
    const raisedAt = transition === 'raise' ? sight.at : (before?.raisedAt ?? sight.at);
    return createTransition(rule, transition, state.device, part, raisedAt, sight);
  };

  const judgeReading = (state: DeviceState, reading: Reading, transitions: Transition[]) => {
    sight.at = reading.ts;
    sight.intervalS = state.device.intervalS ?? defaultIntervalS;
    sight.metrics = sight.deviceMetrics = reading.m;
    sight.windows = sight.deviceWindows = state.windows;
    for (const rule of state.program.readingRules) {
      const transition = evaluate(rule, state, state, undefined);
      if (transition !== undefined) transitions.push(transition);
    }
    for (const part in reading.parts) {
      const subject = state.parts.get(part);
      const metrics = reading.parts[part];
      if (subject === undefined || metrics === undefined) continue;
      sight.metrics = metrics;
      sight.windows = subject.windows;
      for (const rule of state.program.readingRules) {
        // A rule about the device alone is not the part's to judge again.
        if (!rule.condition.metrics.some((name) => name in metrics)) continue;
        const transition = evaluate(rule, state, subject, part);
        if (transition !== undefined) transitions.push(transition);
      }
    }
  };

  const judgeSilence = (state: DeviceState, at: number, transitions: Transition[]) => {
    sight.intervalS = state.device.intervalS ?? defaultIntervalS;
    for (const rule of state.program.silenceRules) {
      const before = state.alarms.get(rule.id);
      // A restart of ours is no sign of life: an active alarm ends only when the device is heard.
      const active = before !== undefined && before.phase !== 'pending';
      const from = active ? state.heardAt : Math.max(state.heardAt, openedAt);
      // What arrived just before a tick may be read just after it.
      sight.at = before === undefined ? at : Math.max(at, before.seenAt);
      if (state.asleep) sight.silenceS = 0;
      else sight.silenceS = state.excused ? NaN : Math.max(0, sight.at - from) / 1000;
      sight.presence = state.presence;
      const transition = evaluate(rule, state, state, undefined);
      if (transition !== undefined) transitions.push(transition);
      const after = state.alarms.get(rule.id);
      if (after !== before || (after !== undefined && after.phase !== 'active')) markChanged(state);
    }
  };

  return {
    reading: (device, reading, arrivedAt) => {
      const state = stateOf(device);
      const transitions: Transition[] = [];
      state.asleep = false;
      if (arrivedAt > state.heardAt) state.heardAt = arrivedAt;
      if (state.alarms.size > 0) judgeSilence(state, state.heardAt, transitions);

      fillWindows(state, state, reading.m, reading);
      for (const part in reading.parts) {
        let subject = state.parts.get(part);
        if (subject === undefined && state.parts.size < mostParts) {
          subject = createSubject();
          state.parts.set(part, subject);
        }
        const metrics = reading.parts[part];
        if (subject !== undefined && metrics !== undefined) fillWindows(state, subject, metrics, reading);
      }
      if (reading.ts > state.newestAt) {
        state.newestAt = reading.ts;
        judgeReading(state, reading, transitions);
      }
      return transitions.length === 0 ? none : transitions;
    },
    lastSeen: (device, at, asleep = false) => {
      const state = stateOf(device);
      state.asleep = asleep;
      if (at > state.heardAt) state.heardAt = at;
    },
    presence: (device, verdict, at) => {
      const isNew = devices.get(device.id)?.device.deviceClass !== device.deviceClass;
      const state = stateOf(device);
      // It connected and sent nothing yet: its silence begins here.
      if (isNew) state.heardAt = at;
      state.presence = verdict.state;
      state.excused = verdict.excused;
    },
    forget: (id) => {
      const state = devices.get(id);
      if (state === undefined) return [];
      devices.delete(id);
      const activeOf = (subject: Subject, part?: string) =>
        [...subject.alarms]
          .filter(([, { phase }]) => phase !== 'pending')
          .map(([rule, { raisedAt }]) => alarmId(rule, id, part, raisedAt));
      return [...activeOf(state), ...[...state.parts].flatMap(([part, subject]) => activeOf(subject, part))];
    },
    opened: (at) => {
      if (at <= openedAt) return;
      openedAt = at;
      openedChanged = true;
    },
    tick: (at) => {
      const transitions: Transition[] = [];
      for (const state of devices.values()) judgeSilence(state, at, transitions);
      // In an order that doesn't depend on the one in which the devices came to be known.
      return transitions.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
    },
    takeChanges: () => {
      const taken = new Map<string, string>();
      if (openedChanged) taken.set(engineKey, JSON.stringify({ openedAt }));
      openedChanged = false;
      for (const state of changes) {
        state.changed = false;
        if (devices.get(state.device.id) !== state) continue;
        taken.set(state.device.id, serializeDeviceState(state));
      }
      changes = [];
      return taken;
    },
    restore: (key, json) => {
      if (key === engineKey) {
        openedAt = (JSON.parse(json) as { openedAt: number }).openedAt;
        return [];
      }
      const { state, abandoned } = restoreDeviceState(key, json, programs);
      devices.set(key, state);
      if (abandoned.length > 0) markChanged(state);
      return abandoned;
    },
  };
}
