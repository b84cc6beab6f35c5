import type { MetricValue, Reading } from '../../devices/telemetry.js';
import type { Transition } from '../alarm.js';
import type { Calendar } from '../calendar.js';
import type { Memory } from '../expression/memory.js';
import { createSight } from '../expression/sight.js';
import type { Metrics, Sight } from '../expression/sight.js';
import type { AlarmState } from './alarm-state.js';
import { lastSeenAt, moveAlarm } from './alarm-state.js';
import { Subject } from './state.js';
import type { DeviceState, GroupState } from './state.js';
import { inspectRule } from './inspect.js';
import type { Inspection } from './inspect.js';
import type { BoundRule, Program } from './program.js';
import type { Move } from './transition.js';
import { deviceTransition, groupTransition } from './transition.js';

/** No device of ours has more parts than this; a faulty one must not fill the memory with made-up names. */
const mostParts = 64;

const noMetrics: Metrics = {};

/** What an evaluation finds. */
export interface Findings {
  readonly transition: (transition: Transition) => void;
  /** The state of the device differs from what it was, without a reading of it. */
  readonly changed: (state: DeviceState) => void;
  /** The device came into a condition that groups count (by its place), or out of it. */
  readonly counted: (state: DeviceState, place: number, holds: boolean) => void;
}

/**
 * Looks at one device or group after another with the rules of its class. It has one sight, which it moves, so that
 * an evaluation allocates nothing; all that it knows is in the states that it is given.
 */
export class Evaluator {
  readonly #sight: Sight;
  readonly #findings: Findings;

  constructor(findings: Findings, calendar?: Calendar) {
    this.#sight = createSight(calendar);
    this.#findings = findings;
  }

  /** Takes a reading into what is remembered, and judges it: one that is late only through that. */
  reading(state: DeviceState, reading: Reading, isNewest: boolean): void {
    this.#look(state, reading.ts);
    this.#remember(state, state, undefined, reading.m, reading.m);
    for (const part in reading.parts) {
      const subject = partOf(state, part);
      const metrics = reading.parts[part];
      if (subject !== undefined && metrics !== undefined)
        this.#remember(state, subject, part, metrics, reading.m);
    }
    const { readingRules, lateRules } = state.program;
    this.#sight.at = state.judgedAt;
    if (isNewest) {
      this.#judge(state, readingRules, reading.m, reading.parts);
      this.#countReading(state, reading.m);
    } else if (lateRules.length > 0) {
      this.#judge(state, lateRules, noMetrics, undefined);
      this.#judgeParts(state, lateRules);
    }
  }

  /** Takes an event of a type at a time into what is remembered, and judges it. */
  event(state: DeviceState, type: string, at: number): void {
    const sight = this.#look(state, at);
    sight.event = type;
    this.#see(state, state, undefined, noMetrics);
    const { memories, eventRules } = state.program;
    for (let i = 0; i < memories.length; i++) {
      const memory = memories[i] as Memory;
      if (memory.onEvents) this.#take(memory, i, state, NaN);
    }
    this.#sight.at = state.judgedAt;
    this.#judge(state, eventRules, noMetrics, undefined);
    sight.event = undefined;
  }

  /** Judges what time alone moves, at pipeline time `at`. @param openedAt since when anybody could be heard */
  tick(state: DeviceState, at: number, openedAt: number): void {
    const { silenceRules, timedRules, traits } = state.program;
    if (silenceRules.length > 0) this.silence(state, at, openedAt);
    if (timedRules.length > 0) {
      this.#look(state, Math.max(at - state.lagMs, state.judgedAt));
      this.#see(state, state, undefined, noMetrics);
      for (const rule of timedRules) this.#evaluateTimed(rule, state, state, undefined);
      this.#judgeParts(state, timedRules);
    }
    if (traits.some(({ movedBy }) => movedBy.ticks)) this.#countTick(state, at, openedAt);
  }

  /** Judges the rules about the silence of the device, at pipeline time `at`. */
  silence(state: DeviceState, at: number, openedAt: number): void {
    const sight = this.#look(state, at);
    this.#see(state, state, undefined, noMetrics);
    state.isMissed = false;
    for (const rule of state.program.silenceRules) {
      const before = state.alarms[rule.place];
      // What arrived just before a tick may be read just after it.
      sight.at = before === undefined ? at : Math.max(at, lastSeenAt(before));
      sight.silenceS = silenceOf(state, sight.at, silenceFrom(before, openedAt));
      this.#evaluateTimed(rule, state, state, undefined);
      if (state.alarms[rule.place] !== undefined) state.isMissed = true;
    }
  }

  /** Judges the rules about a group, at pipeline time `at`. */
  group(group: GroupState, at: number): void {
    const sight = this.#lookAtGroup(group, at);
    const { kind } = group.ref;
    for (const rule of group.program.groupRules) {
      if (rule.rule.group !== kind) continue;
      const before = group.alarms[rule.place];
      const move = this.#moveGroup(rule, group);
      if (move !== undefined) this.#findings.transition(groupTransition(rule, move, group, sight));
      if (before !== undefined || group.alarms[rule.place] !== undefined) group.changed = true;
    }
    sight.group = undefined;
  }

  /**
   * How a rule stands for a device and for the parts that it has to do with, at pipeline time `at`; changes nothing.
   * @param latest its newest reading @param openedAt since when anybody could be heard
   */
  inspect(
    rule: BoundRule,
    state: DeviceState,
    at: number,
    openedAt: number,
    latest: Pick<Reading, 'm' | 'parts'>,
  ): readonly Inspection[] {
    const judgedAt = rule.onTicks ? Math.max(at - state.lagMs, state.judgedAt) : state.judgedAt;
    const sight = this.#look(state, rule.isAboutSilence ? at : judgedAt);
    this.#see(state, state, undefined, latest.m);
    const before = state.alarms[rule.place];
    if (rule.isAboutSilence) sight.silenceS = silenceOf(state, at, silenceFrom(before, openedAt));
    const found = [inspectRule(rule, before, sight)];
    for (const [part, subject] of state.parts) {
      const metrics = latest.parts?.[part] ?? noMetrics;
      this.#see(state, subject, part, metrics);
      const alarm = subject.alarms[rule.place];
      if (alarm !== undefined || concerns(rule.metrics, metrics)) found.push(inspectRule(rule, alarm, sight));
    }
    return found;
  }

  /** How a rule about a group stands, at pipeline time `at`; changes nothing. */
  inspectGroup(rule: BoundRule, group: GroupState, at: number): Inspection {
    const sight = this.#lookAtGroup(group, at);
    const found = inspectRule(rule, group.alarms[rule.place], sight);
    sight.group = undefined;
    return found;
  }

  /** Turns the sight to a group; whoever is done with it takes the group out again. */
  #lookAtGroup(group: GroupState, at: number): Sight {
    const sight = this.#sight;
    sight.part = undefined;
    const [member] = group.members;
    const { site, deviceClass } = group.ref;
    sight.at = at;
    sight.group = group;
    sight.device = {
      id: '',
      site,
      deviceClass,
      stage: member?.device.stage,
      contractedMbps: member?.device.contractedMbps,
    };
    return sight;
  }

  /** Turns the sight to a device at a time, as one that is being heard. */
  #look(state: DeviceState, at: number): Sight {
    const sight = this.#sight;
    sight.at = at;
    sight.device = state.device;
    sight.groups = state.groups;
    sight.deviceAlarms = state.alarms;
    sight.silenceS = 0;
    sight.presence = state.presence;
    return sight;
  }

  /** Turns the sight to the device itself, or to a part of it. */
  #see(state: DeviceState, subject: Subject, part: string | undefined, metrics: Metrics): void {
    const sight = this.#sight;
    sight.part = part;
    sight.metrics = metrics;
    sight.cells = subject.cells;
    sight.starts = subject.layout.starts;
    sight.deviceCells = state.cells;
    sight.deviceStarts = state.layout.starts;
    sight.alarms = subject.alarms;
    if (subject === state) sight.deviceMetrics = metrics;
  }

  #remember(
    state: DeviceState,
    subject: Subject,
    part: string | undefined,
    metrics: Metrics,
    deviceMetrics: Metrics,
  ): void {
    const sight = this.#sight;
    this.#see(state, subject, part, metrics);
    sight.deviceMetrics = deviceMetrics;
    sight.slowChanged = false;
    const { memories, memoriesOf, mixedMemories } = state.program;
    for (const name in metrics) {
      const places = memoriesOf.get(name);
      if (places === undefined) continue;
      for (let i = 0; i < places.length; i++) {
        const place = places[i] as number;
        const memory = memories[place] as Memory;
        this.#take(memory, place, subject, numberOf(metrics[name], memory));
      }
    }
    for (let i = 0; i < mixedMemories.length; i++) {
      const place = mixedMemories[i] as number;
      const memory = memories[place] as Memory;
      if (concerns(memory.metrics, metrics)) this.#take(memory, place, subject, NaN);
    }
    state.slowChanged ||= sight.slowChanged;
  }

  /** Puts what the sight shows into a memory of the subject, which the sight is turned to. */
  #take(memory: Memory, place: number, subject: Subject, value: number): void {
    const sight = this.#sight;
    let { starts, sizes } = subject.layout;
    let start = starts[place] as number;
    while (start < 0 || !memory.take(subject.cells, start, sizes[place] as number, value, sight)) {
      subject.grow(place);
      ({ starts, sizes } = subject.layout);
      start = starts[place] as number;
      sight.cells = subject.cells;
      sight.starts = starts;
      if (sight.part === undefined) {
        sight.deviceCells = subject.cells;
        sight.deviceStarts = starts;
      }
    }
  }

  #judge(state: DeviceState, rules: readonly BoundRule[], metrics: Metrics, parts: Reading['parts']): void {
    this.#see(state, state, undefined, metrics);
    for (let i = 0; i < rules.length; i++) this.#evaluate(rules[i] as BoundRule, state, state, undefined);
    for (const part in parts) {
      const subject = state.parts.get(part);
      const own = parts[part];
      if (subject === undefined || own === undefined) continue;
      this.#see(state, subject, part, own);
      for (let i = 0; i < rules.length; i++) {
        const rule = rules[i] as BoundRule;
        // A rule about the device alone is not the part's to judge again.
        if (concerns(rule.metrics, own)) this.#evaluate(rule, state, subject, part);
      }
    }
  }

  /** Judges the parts that have anything to do with these rules already, by what is remembered of them. */
  #judgeParts(state: DeviceState, rules: readonly BoundRule[]): void {
    for (const [part, subject] of state.parts) {
      this.#see(state, subject, part, noMetrics);
      for (const rule of rules) {
        if (subject.alarms[rule.place] !== undefined) this.#evaluateTimed(rule, state, subject, part);
      }
    }
  }

  /** Without a reading that would have told of the change. */
  #evaluateTimed(rule: BoundRule, state: DeviceState, subject: Subject, part: string | undefined): void {
    const before = subject.alarms[rule.place];
    // Asked before, because the move is made in place.
    const wasWaiting = isWaiting(before);
    this.#evaluate(rule, state, subject, part);
    const after = subject.alarms[rule.place];
    if (after !== before || wasWaiting || isWaiting(after)) this.#findings.changed(state);
  }

  #evaluate(rule: BoundRule, state: DeviceState, subject: Subject, part: string | undefined): void {
    const move = this.#move(rule, subject, state.program);
    if (move !== undefined) this.#findings.transition(deviceTransition(rule, move, state, part, this.#sight));
  }

  /** Moves one rule on to where the sight stands. */
  #move(rule: BoundRule, subject: Subject, program: Program): Move | undefined {
    const before = subject.alarms[rule.place];
    const levelBefore = before === undefined ? -1 : before.level;
    const { state: after, transition: kind } = moveAlarm(rule.steps, before, this.#sight);
    if (after !== before) {
      subject.setAlarm(rule.place, after, program);
      this.#sight.alarms = subject.alarms;
    }
    return asMove(kind, after ?? before, levelBefore);
  }

  #moveGroup(rule: BoundRule, { alarms }: GroupState): Move | undefined {
    const before = alarms[rule.place];
    const levelBefore = before === undefined ? -1 : before.level;
    const { state: after, transition: kind } = moveAlarm(rule.steps, before, this.#sight);
    alarms[rule.place] = after;
    return asMove(kind, after ?? before, levelBefore);
  }

  #countReading(state: DeviceState, metrics: Metrics): void {
    const { traits } = state.program;
    if (traits.length === 0) return;
    this.#see(state, state, undefined, metrics);
    for (let place = 0; place < traits.length; place++) {
      if (traits[place]?.movedBy.readings === true) this.#count(state, place);
    }
  }

  #countTick(state: DeviceState, at: number, openedAt: number): void {
    const { traits } = state.program;
    const sight = this.#look(state, at);
    this.#see(state, state, undefined, noMetrics);
    sight.silenceS = silenceOf(state, at, openedAt);
    for (let place = 0; place < traits.length; place++) {
      if (traits[place]?.movedBy.ticks === true) this.#count(state, place);
    }
  }

  /** What is unknown leaves the device counted as it was. */
  #count(state: DeviceState, place: number): void {
    const holds = state.program.traits[place]?.test(this.#sight);
    if (holds !== undefined && holds !== (state.traits[place] ?? false))
      this.#findings.counted(state, place, holds);
  }
}

/**
 * From when on silence counts for an alarm at the earliest. A restart of ours is no sign of life: an active alarm ends
 * only when the device is heard.
 */
function silenceFrom(alarm: AlarmState | undefined, openedAt: number): number {
  return alarm !== undefined && alarm.level >= 0 ? -Infinity : openedAt;
}

/**
 * Seconds without a sign of life; NaN where its silence may not be its own.
 * @param from silence counts from here at the earliest
 */
function silenceOf(state: DeviceState, at: number, from: number): number {
  if (state.asleep) return 0;
  return state.excused ? NaN : Math.max(0, at - Math.max(state.heardAt, from)) / 1000;
}

function partOf(state: DeviceState, part: string): Subject | undefined {
  let subject = state.parts.get(part);
  if (subject === undefined && state.parts.size < mostParts) {
    subject = new Subject(state.program);
    state.parts.set(part, subject);
  }
  return subject;
}

function asMove(
  kind: Move['kind'] | undefined,
  alarm: AlarmState | undefined,
  levelBefore: number,
): Move | undefined {
  return kind === undefined || alarm === undefined ? undefined : { kind, alarm, levelBefore };
}

/** A value of a reading as the memory takes it; NaN where that is none of its metric. */
function numberOf(value: MetricValue | undefined, { words }: Memory): number {
  if (typeof value === 'number') return words === undefined ? value : NaN;
  return value === undefined || words === undefined ? NaN : words.indexOf(value);
}

function concerns(names: readonly string[], metrics: Metrics): boolean {
  for (let i = 0; i < names.length; i++) if (metrics[names[i] as string] !== undefined) return true;
  return false;
}

/** Whether a hold time of the alarm is running. */
function isWaiting(alarm: AlarmState | undefined): boolean {
  return alarm !== undefined && alarm.steps.some(({ phase }) => phase === 'pending' || phase === 'clearing');
}
