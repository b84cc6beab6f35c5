import type { PresenceVerdict } from '../../devices/presence.js';
import type { Reading } from '../../devices/telemetry.js';
import type { EndingReason, Transition } from '../alarm.js';
import type { Calendar } from '../calendar.js';
import type { DeviceRef } from '../device-ref.js';
import type { Memory } from '../expression/memory.js';
import { createSight } from '../expression/sight.js';
import type { Metrics, Sight } from '../expression/sight.js';
import type { CompiledRule } from '../rule.js';
import { alarmId } from './alarm-id.js';
import type { AlarmState } from './alarm-state.js';
import { lastSeenAt, moveAlarm } from './alarm-state.js';
import { createDeviceState, createSubject } from './device-state.js';
import { groupKey, parseGroupKey } from './group-state.js';
import { Groups } from './groups.js';
import type { BoundRule, Programs } from './program.js';
import { createPrograms } from './program.js';
import {
  restoreDevice,
  restoreGroup,
  restoreSlow,
  serializeDevice,
  serializeGroup,
  serializeSlow,
} from './saved-state.js';
import type { AbandonedAlarm } from './saved-state.js';
import type { Move } from './transition.js';
import { deviceTransition, groupTransition } from './transition.js';
import type { DeviceState, GroupState, Subject } from './state.js';

/** Keys of what is no device's in `takeChanges`; devices' ids have no "@". */
const engineKey = '@engine';
const groupPrefix = '@group/';
const slowSuffix = '@slow';

const minuteMs = 60_000;

/** No device of ours has more parts than this; a faulty one must not fill the memory with made-up names. */
const mostParts = 64;

const none: readonly Transition[] = [];
const noMetrics: Metrics = {};

/** What is the engine's own in the checkpoint. */
interface SavedEngine {
  readonly openedAt?: number;
  readonly mediansAt?: number;
}

/**
 * Evaluates rules: readings, events and the passing of time in, alarm transitions out, in a fixed order. It has no
 * clock and does no I/O, so the same calls always yield the same transitions, live, after a restart and in a backtest.
 */
export class Engine {
  readonly #sight: Sight;
  readonly #devices = new Map<string, DeviceState>();
  #programs: Programs;
  #groups: Groups;
  #changes: DeviceState[] = [];
  #abandoned: AbandonedAlarm[] = [];
  /** Memories that are kept apart, of devices that are not restored yet. */
  readonly #slow = new Map<string, string>();
  #openedAt = -Infinity;
  /** The minute that medians were last computed in. */
  #mediansAt = -Infinity;
  #ownChanged = false;

  constructor(rules: readonly CompiledRule[], calendar?: Calendar) {
    this.#sight = createSight(calendar);
    this.#programs = createPrograms(rules);
    this.#groups = new Groups(this.#programs);
  }

  /**
   * Takes a reading that arrived at `arrivedAt`. One that is not newer than the device's newest goes into the
   * windows, in its place, and rules that look at these are judged anew as of the newest.
   */
  reading(device: DeviceRef, reading: Reading, arrivedAt: number): readonly Transition[] {
    const state = this.#stateOf(device);
    const transitions: Transition[] = [];
    this.#hear(state, arrivedAt, transitions);
    const isNewest = reading.ts > state.newestAt;
    if (isNewest) {
      state.newestAt = reading.ts;
      state.lagMs = arrivedAt - reading.ts;
    }
    this.#look(state, reading.ts, undefined);
    this.#remember(state, state, undefined, reading.m);
    for (const part in reading.parts) {
      const subject = partOf(state, part);
      const metrics = reading.parts[part];
      if (subject !== undefined && metrics !== undefined)
        this.#remember(state, subject, part, metrics, reading.m);
    }
    const { program } = state;
    if (isNewest) {
      state.judgedAt = Math.max(state.judgedAt, reading.ts);
      this.#sight.at = state.judgedAt;
      this.#judge(state, program.readingRules, reading.m, reading.parts, transitions);
      this.#countReading(state, reading.m);
    } else if (program.lateRules.length > 0) {
      this.#sight.at = state.judgedAt;
      this.#judgeMemories(state, transitions);
    }
    return transitions.length === 0 ? none : transitions;
  }

  /** Takes an event of a type that happened at `at` (event time) and arrived at `arrivedAt`. */
  event(device: DeviceRef, type: string, at: number, arrivedAt: number): readonly Transition[] {
    const state = this.#stateOf(device);
    const transitions: Transition[] = [];
    this.#hear(state, arrivedAt, transitions);
    const sight = this.#look(state, at, type);
    this.#see(state, state, undefined, noMetrics);
    const { memories, eventRules } = state.program;
    for (let i = 0; i < memories.length; i++) {
      const memory = memories[i] as Memory;
      if (memory.onEvents) memory.take((state.memories[i] ??= []), sight);
    }
    state.judgedAt = Math.max(state.judgedAt, at);
    sight.at = state.judgedAt;
    this.#judge(state, eventRules, noMetrics, undefined, transitions);
    sight.event = undefined;
    return transitions.length === 0 ? none : transitions;
  }

  /**
   * Anything else was heard of the device at `at`. One that is `asleep` is not missed until it is heard again.
   */
  lastSeen(device: DeviceRef, at: number, asleep = false): void {
    const state = this.#stateOf(device);
    state.asleep = asleep;
    if (at > state.heardAt) state.heardAt = at;
  }

  /**
   * The presence of a device changed at `at`; the next tick judges by it. While it is `unknown` or its silence is
   * excused, alarms about silence are neither raised nor cleared.
   */
  presence(device: DeviceRef, verdict: PresenceVerdict, at: number): void {
    const isNew = this.#devices.get(device.id)?.device.deviceClass !== device.deviceClass;
    const state = this.#stateOf(device);
    // It connected and sent nothing yet: its silence begins here.
    if (isNew) state.heardAt = at;
    state.presence = verdict.state;
    state.excused = verdict.excused;
  }

  /** What is registered of a device changed; one that is not known yet is not made known by that. */
  describe(device: DeviceRef): void {
    const state = this.#devices.get(device.id);
    if (state !== undefined && state.device !== device) this.#stateOf(device);
  }

  /** The device is no more: its alarms are abandoned. */
  forget(id: string): void {
    const state = this.#devices.get(id);
    if (state === undefined) return;
    this.#devices.delete(id);
    this.#abandonDevice(state, 'device_removed');
  }

  /** The front door opened: before that nobody could be heard, so silence counts from here at the earliest. */
  opened(at: number): void {
    if (at <= this.#openedAt) return;
    this.#openedAt = at;
    this.#ownChanged = true;
  }

  /** Pipeline time has come to `at`: judges what time alone moves, of every device and group. */
  tick(at: number): readonly Transition[] {
    const transitions: Transition[] = [];
    for (const state of this.#devices.values()) this.#tickDevice(state, at, transitions);
    // In an order that doesn't depend on the one in which the devices came to be known.
    transitions.sort((a, b) => {
      const [left = '', right = ''] = [a.device, b.device];
      return left < right ? -1 : left > right ? 1 : 0;
    });
    const minute = Math.floor(at / minuteMs);
    if (minute > this.#mediansAt && this.#groups.areCompared) {
      this.#mediansAt = minute;
      this.#ownChanged = true;
      this.#groups.updateMedians(at);
    }
    for (const group of this.#groups.inOrder()) this.#tickGroup(group, at, transitions);
    return transitions;
  }

  /** What differs since the last call, as JSON by device; keys with "@" stand for what is no device's alone. */
  takeChanges(): Map<string, string> {
    const taken = new Map<string, string>();
    if (this.#ownChanged) taken.set(engineKey, this.#serializeOwn());
    this.#ownChanged = false;
    for (const state of this.#changes) {
      state.changed = false;
      const { id } = state.device;
      if (this.#devices.get(id) !== state) continue;
      taken.set(id, serializeDevice(state));
      if (state.slowChanged) taken.set(id + slowSuffix, serializeSlow(state));
      state.slowChanged = false;
    }
    this.#changes = [];
    for (const group of this.#groups.all()) {
      if (group.changed) taken.set(groupPrefix + groupKey(group.ref), serializeGroup(group));
      group.changed = false;
    }
    return taken;
  }

  /** Puts one entry of `takeChanges` back, before anything else is called. Active alarms of rules that are no more are abandoned. */
  restore(key: string, json: string): void {
    const abandoned = this.#abandoned.length;
    if (key === engineKey) {
      const saved = JSON.parse(json) as SavedEngine;
      this.#openedAt = saved.openedAt ?? -Infinity;
      this.#mediansAt = saved.mediansAt ?? -Infinity;
    } else if (key.startsWith(groupPrefix)) {
      const group = this.#groups.ensure(parseGroupKey(key.slice(groupPrefix.length)));
      restoreGroup(group, json, this.#abandoned);
      group.changed = this.#abandoned.length > abandoned;
    } else if (key.endsWith(slowSuffix)) {
      const id = key.slice(0, -slowSuffix.length);
      const state = this.#devices.get(id);
      if (state === undefined) this.#slow.set(id, json);
      else restoreSlow(state, json);
    } else {
      const state = restoreDevice(key, json, this.#programs, this.#abandoned);
      this.#devices.set(key, state);
      this.#groups.place(state);
      const slow = this.#slow.get(key);
      if (slow !== undefined) restoreSlow(state, slow);
      this.#slow.delete(key);
      if (this.#abandoned.length > abandoned) this.#markChanged(state);
    }
  }

  /**
   * Goes on with other rules. What is remembered for those that are still the same is kept; alarms of rules that are
   * no more, or whose steps or mode are others, are abandoned.
   */
  replaceRules(rules: readonly CompiledRule[]): void {
    const saved = new Map<string, string>();
    const before = [...this.#devices.values()];
    for (const state of before) {
      saved.set(state.device.id, serializeDevice(state));
      saved.set(state.device.id + slowSuffix, serializeSlow(state));
    }
    for (const group of this.#groups.all())
      saved.set(groupPrefix + groupKey(group.ref), serializeGroup(group));
    this.#programs = createPrograms(rules);
    this.#groups = new Groups(this.#programs);
    this.#devices.clear();
    this.#changes = [];
    for (const [key, json] of saved) this.restore(key, json);
    for (const { device } of before) this.describe(device);
    for (const group of this.#groups.all()) group.changed = true;
  }

  /** Alarms that nobody watches any more, since the last call. */
  takeAbandoned(): readonly AbandonedAlarm[] {
    const taken = this.#abandoned;
    this.#abandoned = [];
    return taken;
  }

  #serializeOwn(): string {
    const finite = (at: number) => (Number.isFinite(at) ? at : undefined);
    return JSON.stringify({ openedAt: finite(this.#openedAt), mediansAt: finite(this.#mediansAt) });
  }

  #markChanged(state: DeviceState): void {
    if (state.changed) return;
    state.changed = true;
    this.#changes.push(state);
  }

  #stateOf(device: DeviceRef): DeviceState {
    let state = this.#devices.get(device.id);
    if (state?.device.deviceClass !== device.deviceClass) {
      if (state !== undefined) this.#abandonDevice(state, 'device_changed');
      state = createDeviceState(device, this.#programs[device.deviceClass]);
      this.#devices.set(device.id, state);
      this.#groups.place(state);
    } else if (state.device !== device) {
      state.device = device;
      for (const group of this.#groups.place(state)) this.#abandonGroup(group);
    }
    this.#markChanged(state);
    return state;
  }

  #abandonDevice(state: DeviceState, reason: EndingReason): void {
    const { id } = state.device;
    this.#abandon(state.alarms, state.program.rules, id, undefined, reason);
    for (const [part, { alarms }] of state.parts)
      this.#abandon(alarms, state.program.rules, id, part, reason);
    for (const group of this.#groups.remove(state)) this.#abandonGroup(group);
  }

  #abandonGroup({ alarms, program, subject }: GroupState): void {
    this.#abandon(alarms, program.groupRules, subject, undefined, 'device_removed');
  }

  #abandon(
    alarms: readonly (AlarmState | undefined)[],
    rules: readonly BoundRule[],
    subject: string,
    part: string | undefined,
    reason: EndingReason,
  ): void {
    alarms.forEach((alarm, place) => {
      const rule = rules[place]?.rule;
      if (rule === undefined || alarm === undefined || alarm.level < 0) return;
      const id = alarmId(rule.id, subject, part, alarm.raisedAt);
      this.#abandoned.push({ alarm: id, reason, shadow: rule.mode === 'shadow' });
    });
  }

  /** The device was heard: it is awake, and an alarm about its silence may be over. */
  #hear(state: DeviceState, arrivedAt: number, transitions: Transition[]): void {
    state.asleep = false;
    if (arrivedAt > state.heardAt) state.heardAt = arrivedAt;
    if (state.program.silenceRules.some(({ place }) => state.alarms[place] !== undefined))
      this.#judgeSilence(state, state.heardAt, transitions);
  }

  /** Turns the sight to a device at a time of its own. */
  #look(state: DeviceState, at: number, event: string | undefined): Sight {
    const sight = this.#sight;
    sight.at = at;
    sight.device = state.device;
    sight.groups = state.groups;
    sight.event = event;
    // It is being heard.
    sight.silenceS = 0;
    sight.presence = state.presence;
    return sight;
  }

  /** Turns the sight to the device itself, or to a part of it. */
  #see(state: DeviceState, subject: Subject, part: string | undefined, metrics: Metrics): void {
    const sight = this.#sight;
    sight.part = part;
    sight.metrics = metrics;
    sight.memories = subject.memories;
    sight.alarms = subject.alarms;
    sight.deviceMemories = state.memories;
    sight.deviceAlarms = state.alarms;
    if (part === undefined) sight.deviceMetrics = metrics;
  }

  #remember(
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
    metrics: Metrics,
    deviceMetrics = metrics,
  ): void {
    const sight = this.#sight;
    this.#see(state, subject, part, metrics);
    sight.deviceMetrics = deviceMetrics;
    sight.slowChanged = false;
    const { memories } = state.program;
    for (let i = 0; i < memories.length; i++) {
      const memory = memories[i] as Memory;
      if (concerns(memory.metrics, metrics)) memory.take((subject.memories[i] ??= []), sight);
    }
    state.slowChanged ||= sight.slowChanged;
  }

  #judge(
    state: DeviceState,
    rules: readonly BoundRule[],
    metrics: Metrics,
    parts: Reading['parts'],
    transitions: Transition[],
  ): void {
    this.#see(state, state, undefined, metrics);
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BoundRule;
      this.#evaluate(rule, state, state, undefined, transitions);
    }
    for (const part in parts) {
      const subject = state.parts.get(part);
      const own = parts[part];
      if (subject === undefined || own === undefined) continue;
      this.#see(state, subject, part, own);
      for (const rule of rules) {
        // A rule about the device alone is not the part's to judge again.
        if (concerns(rule.metrics, own)) this.#evaluate(rule, state, subject, part, transitions);
      }
    }
  }

  /** Judges what is known from memories alone. */
  #judgeMemories(state: DeviceState, transitions: Transition[]): void {
    const { lateRules } = state.program;
    this.#judge(state, lateRules, noMetrics, undefined, transitions);
    for (const [part, subject] of state.parts) {
      this.#see(state, subject, part, noMetrics);
      for (const rule of lateRules) {
        if (subject.alarms[rule.place] !== undefined) this.#evaluate(rule, state, subject, part, transitions);
      }
    }
  }

  #tickDevice(state: DeviceState, at: number, transitions: Transition[]): void {
    const { program } = state;
    if (program.silenceRules.length > 0) this.#judgeSilence(state, at, transitions);
    if (program.timedRules.length > 0) {
      this.#look(state, Math.max(at - state.lagMs, state.judgedAt), undefined);
      this.#see(state, state, undefined, noMetrics);
      for (const rule of program.timedRules) this.#evaluateTimed(rule, state, state, undefined, transitions);
      for (const [part, subject] of state.parts) {
        this.#see(state, subject, part, noMetrics);
        for (const rule of program.timedRules) {
          if (subject.alarms[rule.place] !== undefined)
            this.#evaluateTimed(rule, state, subject, part, transitions);
        }
      }
    }
    this.#countTick(state, at);
  }

  #judgeSilence(state: DeviceState, at: number, transitions: Transition[]): void {
    const sight = this.#look(state, at, undefined);
    this.#see(state, state, undefined, noMetrics);
    for (const rule of state.program.silenceRules) {
      const before = state.alarms[rule.place];
      // What arrived just before a tick may be read just after it.
      sight.at = before === undefined ? at : Math.max(at, lastSeenAt(before));
      // A restart of ours is no sign of life: an active alarm ends only when the device is heard.
      sight.silenceS = this.#silenceOf(state, sight.at, before !== undefined && before.level >= 0);
      this.#evaluateTimed(rule, state, state, undefined, transitions);
    }
  }

  #silenceOf(state: DeviceState, at: number, isActive: boolean): number {
    if (state.asleep) return 0;
    if (state.excused) return NaN;
    const from = isActive ? state.heardAt : Math.max(state.heardAt, this.#openedAt);
    return Math.max(0, at - from) / 1000;
  }

  #tickGroup(group: GroupState, at: number, transitions: Transition[]): void {
    const { groupRules } = group.program;
    if (groupRules.length === 0) return;
    const sight = this.#sight;
    sight.at = at;
    sight.group = group;
    sight.device = { id: '', site: group.ref.site, deviceClass: group.ref.deviceClass };
    for (const member of group.members) {
      const { stage, contractedMbps } = member.device;
      sight.device = { ...sight.device, stage, contractedMbps };
      break;
    }
    sight.event = undefined;
    for (const rule of groupRules) {
      if (rule.rule.group !== group.ref.kind) continue;
      const before = group.alarms[rule.place];
      const move = this.#move(rule, group.alarms);
      if (move !== undefined) transitions.push(groupTransition(rule, move, group, sight));
      if (before !== undefined || group.alarms[rule.place] !== undefined) group.changed = true;
    }
    sight.group = undefined;
  }

  /** As of a tick, which no reading has told the checkpoint of. */
  #evaluateTimed(
    rule: BoundRule,
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
    transitions: Transition[],
  ): void {
    const before = subject.alarms[rule.place];
    this.#evaluate(rule, state, subject, part, transitions);
    const after = subject.alarms[rule.place];
    if (after !== before || (after !== undefined && after.steps.some(({ phase }) => phase !== 'active')))
      this.#markChanged(state);
  }

  /** Moves one rule of one subject on to where the sight stands. */
  #evaluate(
    rule: BoundRule,
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
    transitions: Transition[],
  ): void {
    const move = this.#move(rule, subject.alarms);
    if (move !== undefined) transitions.push(deviceTransition(rule, move, state, part, this.#sight));
  }

  #move(rule: BoundRule, alarms: (AlarmState | undefined)[]): Move | undefined {
    const before = alarms[rule.place];
    const levelBefore = before?.level ?? -1;
    const { state: after, transition: kind } = moveAlarm(rule.steps, before, this.#sight);
    if (after !== before) alarms[rule.place] = after;
    const alarm = after ?? before;
    return kind === undefined || alarm === undefined ? undefined : { kind, alarm, levelBefore };
  }

  #countReading(state: DeviceState, metrics: Metrics): void {
    const { traits } = state.program;
    if (traits.length === 0) return;
    this.#see(state, state, undefined, metrics);
    for (let place = 0; place < traits.length; place++) {
      if (traits[place]?.movedBy.readings === true) this.#count(state, place);
    }
  }

  #countTick(state: DeviceState, at: number): void {
    const { traits } = state.program;
    if (!traits.some(({ movedBy }) => movedBy.ticks)) return;
    const sight = this.#look(state, at, undefined);
    this.#see(state, state, undefined, noMetrics);
    sight.silenceS = this.#silenceOf(state, at, false);
    for (let place = 0; place < traits.length; place++) {
      if (traits[place]?.movedBy.ticks === true) this.#count(state, place);
    }
  }

  /** What is unknown leaves the device counted as it was. */
  #count(state: DeviceState, place: number): void {
    const holds = state.program.traits[place]?.test(this.#sight);
    if (holds === undefined || holds === state.traits[place]) return;
    this.#groups.setTrait(state, place, holds);
    this.#markChanged(state);
  }
}

/** Rules of a set, ready to evaluate. @param calendar what is known of times and places; nothing without one */
export function createEngine(rules: readonly CompiledRule[], calendar?: Calendar): Engine {
  return new Engine(rules, calendar);
}

function partOf(state: DeviceState, part: string): Subject | undefined {
  let subject = state.parts.get(part);
  if (subject === undefined && state.parts.size < mostParts) {
    subject = createSubject(state.program);
    state.parts.set(part, subject);
  }
  return subject;
}

function concerns(names: readonly string[], metrics: Metrics): boolean {
  for (let i = 0; i < names.length; i++) if (metrics[names[i] as string] !== undefined) return true;
  return false;
}
