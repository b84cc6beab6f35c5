import type { Reading } from '../../devices/telemetry.js';
import type { Transition } from '../alarm.js';
import type { Calendar } from '../calendar.js';
import type { Metrics } from '../expression/sight.js';
import type { AlarmMove, AlarmState } from './alarm-state.js';
import { lastSeenAt, moveAlarm } from './alarm-state.js';
import { Counting } from './counting.js';
import { isUnknown } from './group-state.js';
import { inspectRule } from './inspect.js';
import type { Inspection } from './inspect.js';
import type { BoundRule } from './program.js';
import { isWaiting, partOf, Remembering, reports, waits } from './remembering.js';
import type { DeviceState, GroupState, Subject } from './state.js';
import type { Move } from './transition.js';
import { deviceTransition, groupTransition } from './transition.js';
import { Viewpoint } from './viewpoint.js';

const noMetrics: Metrics = {};

/**
 * Time alone moves alarms at whole moments of the device's clock, ms, so that they are the same live, whenever the ticks
 * come, and in a backtest.
 */
const momentMs = 10_000;

/** What an evaluation finds. */
export interface Findings {
  readonly transition: (transition: Transition) => void;
  /** The state of the device differs from what it was, without a reading of it. */
  readonly changed: (state: DeviceState) => void;
  /** The device came into a condition that groups count (by its place), or out of it. */
  readonly counted: (state: DeviceState, place: number, holds: boolean) => void;
}

/** Judges one device or group after another by the rules of its class. All that it knows is in the states it is given. */
export class Evaluator {
  readonly #viewpoint: Viewpoint;
  readonly #remembering: Remembering;
  readonly #counting: Counting;
  readonly #findings: Findings;

  constructor(findings: Findings, calendar?: Calendar) {
    this.#viewpoint = new Viewpoint(calendar);
    this.#remembering = new Remembering(this.#viewpoint);
    this.#counting = new Counting(this.#viewpoint, findings.counted);
    this.#findings = findings;
  }

  /** Takes a reading into what is remembered, and judges it: one that is late only through that. */
  reading(state: DeviceState, reading: Reading, isNewest: boolean): void {
    const { program } = state;
    const { m, parts } = reading;
    const sight = this.#viewpoint.look(state, reading.ts);
    this.#remembering.reading(state, state, undefined, m, m);
    sight.at = state.judgedAt;
    this.#judge(isNewest ? program.awake(state.layout, state.layout) : program.lateRules, state);
    for (const part in parts) {
      const subject = partOf(state, part);
      const own = parts[part];
      if (subject === undefined || own === undefined) continue;
      sight.at = reading.ts;
      this.#remembering.reading(state, subject, part, own, m);
      sight.at = state.judgedAt;
      this.#judgePart(state, subject, part);
    }
    if (program.ageRules.length > 0) this.#judgeMissing(state, parts);
    this.#counting.reading(state);
  }

  /** Takes an event of a type at a time into what is remembered, and judges it. */
  event(state: DeviceState, type: string, at: number): void {
    const sight = this.#viewpoint.look(state, at);
    sight.event = type;
    this.#viewpoint.see(state, state, undefined);
    this.#remembering.event(state);
    sight.at = state.judgedAt;
    this.#judge(state.program.eventRules, state);
    sight.event = undefined;
    this.#counting.reading(state);
  }

  /**
   * Judges what time alone moves, at pipeline time `at`: silence, and whatever is not at rest.
   * @param openedAt since when anybody could be heard
   */
  tick(state: DeviceState, at: number, openedAt: number): void {
    const isSilent = at - Math.max(state.heardAt, openedAt) >= state.leastSilenceMs;
    if (!state.isRestless && !isSilent) return;
    if (state.program.silenceRules.length > 0 && (isSilent || state.isMissed))
      this.silence(state, at, openedAt);
    const moment = Math.floor((at - state.lagMs) / momentMs) * momentMs;
    this.#viewpoint.look(state, Math.max(moment, state.judgedAt));
    this.#judgeOnTick(state, state, undefined);
    for (const [part, subject] of state.parts) this.#judgeOnTick(state, subject, part);
    state.waits = waits(state);
    this.#counting.tick(state, at, silenceOf(state, at, openedAt));
  }

  /** Judges the rules about the silence of the device, at pipeline time `at`. */
  silence(state: DeviceState, at: number, openedAt: number): void {
    const sight = this.#viewpoint.look(state, at);
    this.#viewpoint.see(state, state, undefined);
    state.isMissed = false;
    for (const rule of state.program.silenceRules) {
      const before = state.alarms[rule.place];
      // What arrived just before a tick may be read just after it.
      sight.at = before === undefined ? at : Math.max(at, lastSeenAt(before));
      sight.silenceS = silenceOf(state, sight.at, silenceFrom(before, openedAt));
      if (this.#evaluate(rule, state, state, undefined)) this.#findings.changed(state);
      if (state.alarms[rule.place] !== undefined) state.isMissed = true;
    }
  }

  /** Judges the rules about a group, at pipeline time `at`. */
  group(group: GroupState, at: number): void {
    const sight = this.#viewpoint.lookAtGroup(group, at);
    const { kind } = group.ref;
    for (const rule of group.program.groupRules) {
      if (rule.rule.group !== kind || isUnknown(group, rule)) continue;
      const before = group.alarms[rule.place];
      const levelBefore = before?.level ?? -1;
      const move = moveAlarm(rule.steps, before, sight);
      group.alarms[rule.place] = move.state;
      const made = asMove(move, before, levelBefore);
      if (made !== undefined) this.#findings.transition(groupTransition(rule, made, group, sight));
      if (before !== undefined || move.state !== undefined) group.changed = true;
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
    const before = state.alarms[rule.place];
    const isTimed = rule.onTicks || before !== undefined;
    const judgedAt = isTimed ? Math.max(at - state.lagMs, state.judgedAt) : state.judgedAt;
    const sight = this.#viewpoint.look(state, rule.isAboutSilence ? at : judgedAt);
    this.#viewpoint.see(state, state, undefined, latest.m);
    if (rule.isAboutSilence) sight.silenceS = silenceOf(state, at, silenceFrom(before, openedAt));
    const found = [inspectRule(rule, before, sight)];
    for (const [part, subject] of state.parts) {
      const metrics = latest.parts?.[part] ?? noMetrics;
      this.#viewpoint.see(state, subject, part, metrics);
      const alarm = subject.alarms[rule.place];
      if (alarm !== undefined || reports(metrics, rule.metrics)) found.push(inspectRule(rule, alarm, sight));
    }
    return found;
  }

  /** How a rule about a group stands, at pipeline time `at`; changes nothing. */
  inspectGroup(rule: BoundRule, group: GroupState, at: number): Inspection {
    const sight = this.#viewpoint.lookAtGroup(group, at);
    const found = inspectRule(rule, group.alarms[rule.place], sight);
    sight.group = undefined;
    return found;
  }

  #judge(rules: readonly BoundRule[], state: DeviceState): void {
    for (let i = 0; i < rules.length; i++) this.#evaluate(rules[i] as BoundRule, state, state, undefined);
  }

  /** Judges a part by what was just taken in of it; a rule about the device alone is not the part's to judge again. */
  #judgePart(state: DeviceState, subject: Subject, part: string): void {
    const rules = state.program.awake(subject.layout, state.layout);
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BoundRule;
      if (this.#remembering.concerns(rule.place)) this.#evaluate(rule, state, subject, part);
    }
  }

  /** Judges parts that are not in a reading of their device by the rules that miss what is not reported. */
  #judgeMissing(state: DeviceState, parts: Reading['parts']): void {
    for (const [part, subject] of state.parts) {
      if (parts !== undefined && Object.hasOwn(parts, part)) continue;
      this.#viewpoint.see(state, subject, part);
      for (const rule of state.program.ageRules)
        if (rule.places.some((place) => (subject.layout.starts[place] as number) >= 0))
          this.#evaluate(rule, state, subject, part);
    }
  }

  /** Judges what is not at rest, and what time or another alarm can raise; in the order of the rules. */
  #judgeOnTick(state: DeviceState, subject: Subject, part: string | undefined): void {
    const { rules, timedRules } = state.program;
    const isAtRest = subject.alarms.length === 0;
    if (isAtRest && !state.waits && state.alarms.length === 0) return;
    this.#viewpoint.see(state, subject, part);
    for (const rule of isAtRest ? timedRules : rules) {
      if (rule.isAboutSilence) continue;
      const isOff = subject.alarms[rule.place] === undefined;
      if (isOff && !this.#isMoved(rule, state, subject)) continue;
      if (this.#evaluate(rule, state, subject, part)) this.#findings.changed(state);
    }
  }

  /** Whether the passing of time, or an alarm that it moved, can raise an alarm that is at rest. */
  #isMoved({ isAboutAlarms, waiting }: BoundRule, state: DeviceState, subject: Subject): boolean {
    if (isAboutAlarms && (subject.alarms.length > 0 || state.alarms.length > 0)) return true;
    return waiting.length > 0 && isWaiting(state.program, subject, waiting);
  }

  /** Moves one rule on to where the sight stands. @returns whether its alarm is in another state now */
  #evaluate(rule: BoundRule, state: DeviceState, subject: Subject, part: string | undefined): boolean {
    const { sight } = this.#viewpoint;
    const before = subject.alarms[rule.place];
    const levelBefore = before === undefined ? -1 : before.level;
    const move = moveAlarm(rule.steps, before, sight);
    if (move.state !== before) {
      subject.setAlarm(rule.place, move.state, state);
      sight.alarms = subject.alarms;
      sight.deviceAlarms = state.alarms;
    }
    const made = asMove(move, before, levelBefore);
    if (made !== undefined) this.#findings.transition(deviceTransition(rule, made, state, part, sight));
    return move.isMoved;
  }
}

function asMove(move: AlarmMove, before: AlarmState | undefined, levelBefore: number): Move | undefined {
  const alarm = move.state ?? before;
  if (move.transition === undefined || alarm === undefined) return undefined;
  return { kind: move.transition, alarm, levelBefore, ended: move.ended, reason: move.reason };
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
