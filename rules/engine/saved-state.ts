import type { DeviceClass } from '../../devices/device-class.js';
import type { PresenceState } from '../../devices/presence.js';
import type { EndingReason } from '../alarm.js';
import type { DeviceRef } from '../device-ref.js';
import type { Memory } from '../expression/memory.js';
import type { Activated, SavedActivations } from './activations.js';
import { activationOf, noteEnd, restoreActivations, saveActivations } from './activations.js';
import type { AbandonedAlarm } from './active-alarms.js';
import { alarmId } from './alarm-id.js';
import type { AlarmState, StepState } from './alarm-state.js';
import { stepPhases } from './alarm-state.js';
import { DeviceState, Subject } from './state.js';
import type { GroupState } from './state.js';
import type { BoundRule, Program, Programs } from './program.js';

/** level, raisedAt, revision, whether its rule is tried out, then phase, since and seenAt of each step */
type SavedAlarm = [number, number, number, 0 | 1, ...number[]];
type SavedAlarms = Record<string, SavedAlarm>;

interface SavedSubject {
  w?: Record<string, number[]>;
  a?: SavedAlarms;
  n?: SavedActivations | undefined;
}

/** A device's state as kept in the checkpoint: short names, because there is one for every device of a city. */
interface SavedDevice extends SavedSubject {
  site: string;
  class: DeviceClass;
  interval?: number | undefined;
  /** heardAt, newestAt and judgedAt; null stands for never. */
  heard: number | null;
  newest: number | null;
  judged?: number | undefined;
  lag?: number | undefined;
  asleep?: true;
  presence?: PresenceState | undefined;
  excused?: true;
  parts?: Record<string, SavedSubject>;
  /** Conditions that groups count it by, as written. */
  traits?: string[];
}

interface SavedGroup {
  a?: SavedAlarms;
  n?: SavedActivations | undefined;
  /** Medians by metric. */
  m?: Record<string, number>;
}

export function serializeDevice(state: DeviceState): string {
  const { device, program } = state;
  const traits = program.traits.flatMap(({ text }, place) => (state.traits[place] === true ? [text] : []));
  const saved: SavedDevice = {
    site: device.site,
    class: device.deviceClass,
    interval: device.intervalS,
    heard: finiteOrNull(state.heardAt),
    newest: finiteOrNull(state.newestAt),
    judged: state.judgedAt === state.newestAt ? undefined : state.judgedAt,
    lag: state.lagMs === 0 ? undefined : state.lagMs,
    ...(state.asleep ? { asleep: true } : {}),
    presence: state.presence,
    ...(state.excused ? { excused: true } : {}),
    ...saveSubject(state, program),
    ...(traits.length > 0 ? { traits } : {}),
  };
  if (state.parts.size > 0) {
    saved.parts = Object.fromEntries(
      [...state.parts].map(([part, subject]) => [part, saveSubject(subject, program)]),
    );
  }
  return JSON.stringify(saved);
}

/** The device's memories that are kept apart, because they are large and change seldom. */
export function serializeSlow(state: DeviceState): string {
  return JSON.stringify(saveMemories(state, state.program, true) ?? {});
}

export function serializeGroup(group: GroupState): string {
  const { alarms, medians, program } = group;
  const known = program.medians.flatMap(({ metric }, place) => {
    const value = medians[place];
    return value === undefined ? [] : [[metric, value] as const];
  });
  const saved: SavedGroup = { ...saveAlarms(alarms, program.groupRules), n: saveActivations(group) };
  if (known.length > 0) saved.m = Object.fromEntries(known);
  return JSON.stringify(saved);
}

/**
 * The inverse of `serializeDevice`. What belongs to rules that are no more is left out, and told of.
 * @param abandoned is added to
 */
export function restoreDevice(
  id: string,
  json: string,
  programs: Programs,
  abandoned: AbandonedAlarm[],
): DeviceState {
  const saved = JSON.parse(json) as SavedDevice;
  const device: DeviceRef = { id, site: saved.site, deviceClass: saved.class, intervalS: saved.interval };
  const program = programs[saved.class];
  const state = new DeviceState(device, program);
  state.heardAt = saved.heard ?? -Infinity;
  state.newestAt = saved.newest ?? -Infinity;
  state.judgedAt = saved.judged ?? state.newestAt;
  state.lagMs = saved.lag ?? 0;
  state.asleep = saved.asleep ?? false;
  state.presence = saved.presence;
  state.excused = saved.excused ?? false;
  state.isMissed = program.silenceRules.some(({ rule }) => saved.a?.[rule.id] !== undefined);
  program.traits.forEach(({ text }, place) => {
    if (saved.traits?.includes(text) === true) state.setTrait(place, true);
  });
  // Found out with the next tick.
  state.waits = true;
  restoreSubject(state, state, saved, undefined, abandoned);
  for (const [part, savedPart] of Object.entries(saved.parts ?? {})) {
    const subject = new Subject(program);
    restoreSubject(subject, state, savedPart, part, abandoned);
    state.parts.set(part, subject);
  }
  return state;
}

/** The inverse of `serializeSlow`. */
export function restoreSlow(state: DeviceState, json: string): void {
  restoreMemories(state, JSON.parse(json) as Record<string, number[]>, state.program);
}

/** The inverse of `serializeGroup`. @param abandoned is added to */
export function restoreGroup(group: GroupState, json: string, abandoned: AbandonedAlarm[]): void {
  const saved = JSON.parse(json) as SavedGroup;
  const set = (place: number, alarm: AlarmState) => (group.alarms[place] = alarm);
  restoreActivations(group, saved.n);
  const { groupRules, off } = group.program;
  restoreAlarms(set, saved.a, { rules: groupRules, off }, group, group.subject, undefined, abandoned);
  group.program.medians.forEach(({ metric, kind }, place) => {
    if (kind === group.ref.kind) group.medians[place] = saved.m?.[metric];
  });
}

function saveSubject(subject: Subject, program: Program): SavedSubject {
  const kept = saveMemories(subject, program, false);
  return {
    ...(kept === undefined ? {} : { w: kept }),
    ...saveAlarms(subject.alarms, program.rules),
    n: saveActivations(subject),
  };
}

function saveMemories(
  { cells, layout: { starts } }: Subject,
  program: Program,
  slow: boolean,
): Record<string, number[]> | undefined {
  let saved: Record<string, number[]> | undefined;
  for (let place = 0; place < starts.length; place++) {
    const start = starts[place] as number;
    const memory = program.memories[place] as Memory;
    if (start < 0 || (memory.slow === true) !== slow) continue;
    const packed = memory.pack(cells, start);
    if (packed !== undefined) (saved ??= {})[memory.key] = packed;
  }
  return saved;
}

function saveAlarms(
  alarms: readonly (AlarmState | undefined)[],
  rules: readonly BoundRule[],
): { a?: SavedAlarms } {
  let saved: SavedAlarms | undefined;
  for (let place = 0; place < alarms.length; place++) {
    const state = alarms[place];
    if (state === undefined) continue;
    const { rule } = rules[place] as BoundRule;
    const steps = state.steps.flatMap(({ phase, since, seenAt }) => [
      stepPhases.indexOf(phase),
      since,
      seenAt,
    ]);
    const shadow = rule.mode === 'shadow' ? 1 : 0;
    (saved ??= {})[rule.id] = [state.level, state.raisedAt, state.revision, shadow, ...steps];
  }
  return saved === undefined ? {} : { a: saved };
}

function restoreSubject(
  own: Subject,
  state: DeviceState,
  saved: SavedSubject,
  part: string | undefined,
  abandoned: AbandonedAlarm[],
): void {
  const { program, device } = state;
  restoreMemories(own, saved.w, program);
  const set = (place: number, alarm: AlarmState) => own.setAlarm(place, alarm, state);
  restoreActivations(own, saved.n);
  restoreAlarms(set, saved.a, program, own, device.id, part, abandoned);
}

function restoreMemories(
  subject: Subject,
  saved: Readonly<Record<string, number[]>> | undefined,
  program: Program,
): void {
  if (saved === undefined) return;
  program.memories.forEach((memory, place) => {
    const packed = saved[memory.key];
    if (packed === undefined) return;
    const unpack = () => {
      const { starts, sizes } = subject.layout;
      const start = starts[place] as number;
      return start >= 0 && memory.unpack(packed, subject.cells, start, sizes[place] as number);
    };
    while (!unpack()) subject.grow(place);
  });
}

function restoreAlarms(
  set: (place: number, alarm: AlarmState) => void,
  saved: SavedAlarms | undefined,
  { rules, off }: Pick<Program, 'rules' | 'off'>,
  own: Activated,
  subject: string,
  part: string | undefined,
  abandoned: AbandonedAlarm[],
): void {
  for (const [id, [level, raisedAt, revision, shadow, ...numbers]] of Object.entries(saved ?? {})) {
    const bound = rules.find(({ rule }) => rule.id === id);
    const steps = bound?.steps.map((_, i): StepState => {
      const [phase = 0, since = 0, seenAt = 0] = numbers.slice(3 * i, 3 * i + 3);
      return { phase: stepPhases[phase] ?? 'rest', since, seenAt };
    });
    const isSame = steps?.length === numbers.length / 3 && (bound?.rule.mode === 'shadow') === (shadow === 1);
    if (bound !== undefined && steps !== undefined && isSame)
      set(bound.place, { level, raisedAt, revision, steps });
    else if (level >= 0) {
      const reason = whyAbandoned(bound, off.has(id), shadow === 1);
      const alarm = alarmId(id, subject, part, raisedAt, activationOf(own, id));
      abandoned.push({ alarm, reason, shadow: shadow === 1 });
      noteEnd(own, id, raisedAt, raisedAt);
    }
  }
}

function whyAbandoned(bound: BoundRule | undefined, isOff: boolean, wasShadow: boolean): EndingReason {
  if (bound === undefined) return isOff ? 'rule_off' : 'rule_removed';
  return bound.rule.mode === 'shadow' && !wasShadow ? 'rule_shadow' : 'rule_changed';
}

function finiteOrNull(at: number): number | null {
  return Number.isFinite(at) ? at : null;
}
