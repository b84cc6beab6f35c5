import type { PresenceVerdict } from '../../devices/presence.js';
import type { Reading } from '../../devices/telemetry.js';
import type { EndingReason, Transition } from '../alarm.js';
import type { Calendar } from '../calendar.js';
import type { DeviceRef } from '../device-ref.js';
import { isWide } from '../group-kind.js';
import type { CompiledRule } from '../rule.js';
import { tallyMs } from '../tally.js';
import type { Tally } from '../tally.js';
import { noteEnd } from './activations.js';
import { activeAlarms } from './active-alarms.js';
import type { AbandonedAlarm, ActiveAlarm, Alarmed } from './active-alarms.js';
import { DeviceState } from './state.js';
import { Evaluator } from './evaluator.js';
import type { Findings } from './evaluator.js';
import type { Inspection } from './inspect.js';
import { groupKey, parseGroupKey } from './group-state.js';
import type { GroupState } from './state.js';
import { Groups } from './groups.js';
import { Settling } from './settling.js';
import type { SavedSettling } from './settling.js';
import { WideGroups } from './wide-groups.js';
import type { SavedTallies } from './wide-groups.js';
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

/** Keys of what is no device's in `takeChanges`; devices' ids have no "@". */
const engineKey = '@engine';
const wideKey = '@wide';
const groupPrefix = '@group/';
const slowSuffix = '@slow';

const minuteMs = 60_000;

const none: readonly Transition[] = [];

/** What is the engine's own in the checkpoint. */
interface SavedEngine {
  readonly openedAt?: number;
  readonly mediansAt?: number;
  readonly talliedAt?: number;
  readonly settling?: SavedSettling | undefined;
}

/**
 * Evaluates rules: readings, events and the passing of time in, alarm transitions out, in a fixed order. It has no
 * clock and does no I/O, so the same calls always yield the same transitions, live, after a restart and in a backtest.
 */
export class Engine {
  readonly #evaluator: Evaluator;
  readonly #devices = new Map<string, DeviceState>();
  #programs: Programs;
  #groups: Groups;
  #wide: WideGroups;
  #changes: DeviceState[] = [];
  #transitions: Transition[] = [];
  #abandoned: AbandonedAlarm[] = [];
  /** Memories that are kept apart, of devices that are not restored yet. */
  readonly #slow = new Map<string, string>();
  #openedAt = -Infinity;
  /** The minute that medians were last computed in. */
  #mediansAt = -Infinity;
  /** The moment that was last told of. */
  #talliedAt = -Infinity;
  #tally: Tally | undefined;
  readonly #settling = new Settling();
  #ownChanged = false;
  /** Keys of what was given out by `takeChanges` and is no more. */
  readonly #gone = new Set<string>();
  /** Groups were restored: some may have lost their last device since. */
  #groupsRestored = false;

  constructor(rules: readonly CompiledRule[], calendar?: Calendar) {
    const findings: Findings = {
      transition: (transition) => this.#transitions.push(transition),
      changed: (state) => this.#markChanged(state),
      counted: (state, place, holds) => {
        this.#groups.setTrait(state, place, holds);
        this.#markChanged(state);
      },
    };
    this.#evaluator = new Evaluator(findings, calendar);
    this.#programs = createPrograms(rules);
    this.#groups = new Groups(this.#programs);
    this.#wide = new WideGroups(this.#programs);
  }

  /**
   * Takes a reading that arrived at `arrivedAt`. One that is not newer than the device's newest goes into the
   * windows, in its place, and rules that look at these are judged anew as of the newest.
   */
  reading(device: DeviceRef, reading: Reading, arrivedAt: number): readonly Transition[] {
    const state = this.#stateOf(device);
    this.#hear(state, arrivedAt);
    const isNewest = reading.ts > state.newestAt;
    if (isNewest) {
      state.newestAt = reading.ts;
      state.lagMs = arrivedAt - reading.ts;
      state.judgedAt = Math.max(state.judgedAt, reading.ts);
    }
    this.#evaluator.reading(state, reading, isNewest);
    return this.#takeTransitions();
  }

  /** Takes an event of a type that happened at `at` (event time) and arrived at `arrivedAt`. */
  event(device: DeviceRef, type: string, at: number, arrivedAt: number): readonly Transition[] {
    const state = this.#stateOf(device);
    this.#hear(state, arrivedAt);
    state.judgedAt = Math.max(state.judgedAt, at);
    this.#evaluator.event(state, type, at);
    return this.#takeTransitions();
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
    this.#gone.add(id).add(id + slowSuffix);
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
    if (this.#groupsRestored) this.#abandonGroups(this.#groups.dropEmpty());
    this.#groupsRestored = false;
    for (const state of this.#devices.values()) this.#evaluator.tick(state, at, this.#openedAt);
    // In an order that doesn't depend on the one in which the devices came to be known.
    this.#transitions.sort((a, b) => {
      const [left = '', right = ''] = [a.device, b.device];
      return left < right ? -1 : left > right ? 1 : 0;
    });
    const minute = Math.floor(at / minuteMs);
    if (minute > this.#mediansAt && this.#groups.areCompared) {
      this.#mediansAt = minute;
      this.#ownChanged = true;
      this.#groups.updateMedians(at);
    }
    if (!this.#settling.isOver) {
      if (this.#settling.tick(at, this.#devices.values())) this.#ownChanged = true;
      this.#groups.settle(this.#settling);
    }
    if (this.#groups.areJudged) {
      for (const group of this.#groups.inOrder())
        if (!isWide(group.ref.kind)) this.#evaluator.group(group, at);
    }
    const moment = Math.floor(at / tallyMs) * tallyMs;
    if (moment > this.#talliedAt && this.#groups.areWide) {
      this.#talliedAt = moment;
      this.#ownChanged = true;
      this.#tally = { at: moment, ...this.#groups.tally() };
    }
    this.#wide.tick(at);
    this.#judgeWide();
    return this.#takeTransitions();
  }

  /**
   * What this shard has of groups that reach over several, as of the last tick; undefined when nobody has to be told.
   * Whoever judges them has to get it before the next checkpoint, with `tally`, however often.
   */
  takeTally(): Tally | undefined {
    const taken = this.#tally;
    this.#tally = undefined;
    return taken;
  }

  /** Takes what a shard has of groups that reach over several. @param shards how many shards there are */
  tally(shard: number, shards: number, tally: Tally): readonly Transition[] {
    this.#wide.take(shard, shards, tally);
    this.#judgeWide();
    return this.#takeTransitions();
  }

  /**
   * How a rule stands at `at` for a device and its parts, or for the group of its kind that the device is in; changes
   * nothing. None where the rule is not the device's, or the device is not known.
   * @param latest the device's newest reading
   */
  inspect(rule: string, id: string, at: number, latest: Pick<Reading, 'm' | 'parts'>): readonly Inspection[] {
    const state = this.#devices.get(id);
    const { rules = [], groupRules = [] } = state?.program ?? {};
    const bound = [...rules, ...groupRules].find((each) => each.rule.id === rule);
    if (state === undefined || bound === undefined) return [];
    if (bound.rule.group === undefined)
      return this.#evaluator.inspect(bound, state, at, this.#openedAt, latest);
    const own = state.groups[bound.rule.group];
    if (own === undefined) return [];
    const group = isWide(own.ref.kind) ? this.#wide.ensure({ ...own.ref, site: '' }) : own;
    return [this.#evaluator.inspectGroup(bound, group, at)];
  }

  /**
   * What differs since the last call, as JSON by device, undefined where it is no more; keys with "@" stand for what is
   * no device's alone.
   */
  takeChanges(): Map<string, string | undefined> {
    const taken = new Map<string, string | undefined>();
    for (const key of this.#gone) taken.set(key, undefined);
    this.#gone.clear();
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
    if (this.#wide.changed) taken.set(wideKey, JSON.stringify(this.#wide.save()));
    this.#wide.changed = false;
    for (const group of [...this.#groups.inOrder(), ...this.#wide.inOrder()]) {
      if (group.changed) taken.set(groupPrefix + groupKey(group.ref), serializeGroup(group));
      group.changed = false;
    }
    return taken;
  }

  /**
   * Puts one entry of `takeChanges` back, before anything else is called. Active alarms of rules that are no more are
   * abandoned.
   */
  restore(key: string, json: string): void {
    const abandoned = this.#abandoned.length;
    if (key === engineKey) {
      const saved = JSON.parse(json) as SavedEngine;
      this.#openedAt = saved.openedAt ?? -Infinity;
      this.#mediansAt = saved.mediansAt ?? -Infinity;
      this.#talliedAt = saved.talliedAt ?? -Infinity;
      this.#settling.restore(saved.settling);
    } else if (key === wideKey) {
      this.#wide.restore(JSON.parse(json) as SavedTallies);
    } else if (key.startsWith(groupPrefix)) {
      const ref = parseGroupKey(key.slice(groupPrefix.length));
      const group = (isWide(ref.kind) ? this.#wide : this.#groups).ensure(ref);
      restoreGroup(group, json, this.#abandoned);
      group.changed = this.#abandoned.length > abandoned;
      this.#groupsRestored = true;
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
    saved.set(wideKey, JSON.stringify(this.#wide.save()));
    for (const group of [...this.#groups.inOrder(), ...this.#wide.inOrder()])
      saved.set(groupPrefix + groupKey(group.ref), serializeGroup(group));
    const programs = createPrograms(rules);
    this.#settling.begin(this.#programs, programs);
    this.#ownChanged ||= !this.#settling.isOver;
    this.#programs = programs;
    this.#groups = new Groups(this.#programs);
    this.#wide = new WideGroups(this.#programs);
    this.#devices.clear();
    this.#changes = [];
    for (const [key, json] of saved) this.restore(key, json);
    for (const { device } of before) this.describe(device);
    for (const group of this.#groups.inOrder()) group.changed = true;
  }

  /** All alarms that are active. */
  *activeAlarms(): Generator<ActiveAlarm> {
    for (const state of this.#devices.values()) {
      const { rules } = state.program;
      yield* activeAlarms(state, rules, state.device.id, undefined);
      for (const [part, subject] of state.parts) yield* activeAlarms(subject, rules, state.device.id, part);
    }
    for (const group of [...this.#groups.inOrder(), ...this.#wide.inOrder()])
      yield* activeAlarms(group, group.program.groupRules, group.subject, undefined);
  }

  /** Alarms that nobody watches any more, since the last call. */
  takeAbandoned(): readonly AbandonedAlarm[] {
    const taken = this.#abandoned;
    this.#abandoned = [];
    return taken;
  }

  #judgeWide(): void {
    for (let at = this.#wide.next(); at !== undefined; at = this.#wide.next())
      for (const group of this.#wide.inOrder()) this.#evaluator.group(group, at);
  }

  #serializeOwn(): string {
    const finite = (at: number) => (Number.isFinite(at) ? at : undefined);
    return JSON.stringify({
      openedAt: finite(this.#openedAt),
      mediansAt: finite(this.#mediansAt),
      talliedAt: finite(this.#talliedAt),
      settling: this.#settling.save(),
    });
  }

  #markChanged(state: DeviceState): void {
    if (state.changed) return;
    state.changed = true;
    this.#changes.push(state);
  }

  #stateOf(device: DeviceRef): DeviceState {
    let state = this.#devices.get(device.id);
    if (state?.device.deviceClass !== device.deviceClass) {
      const before = state;
      state = new DeviceState(device, this.#programs[device.deviceClass]);
      if (before !== undefined) {
        this.#abandonDevice(before, 'device_changed');
        state.activations = before.activations;
        // What the other class has remembered is not to come back with a restart.
        this.#gone.add(device.id + slowSuffix);
      }
      this.#devices.set(device.id, state);
      this.#groups.place(state);
    } else if (state.device !== device) {
      state.device = device;
      this.#abandonGroups(this.#groups.place(state));
    }
    this.#markChanged(state);
    return state;
  }

  #abandonDevice(state: DeviceState, reason: EndingReason): void {
    const { id } = state.device;
    this.#abandon(state, state.program.rules, id, undefined, reason);
    for (const [part, subject] of state.parts) this.#abandon(subject, state.program.rules, id, part, reason);
    this.#abandonGroups(this.#groups.remove(state));
  }

  /** They have no devices any more. */
  #abandonGroups(groups: readonly GroupState[]): void {
    for (const group of groups) {
      this.#abandon(group, group.program.groupRules, group.subject, undefined, 'device_removed');
      // The shard's part of a group that reaches over several is not kept.
      if (!isWide(group.ref.kind)) this.#gone.add(groupPrefix + groupKey(group.ref));
    }
  }

  #abandon(
    own: Alarmed,
    rules: readonly BoundRule[],
    subject: string,
    part: string | undefined,
    reason: EndingReason,
  ): void {
    for (const { alarm, shadow, rule, raisedAt } of activeAlarms(own, rules, subject, part)) {
      noteEnd(own, rule, raisedAt, raisedAt);
      this.#abandoned.push({ alarm, reason, shadow });
    }
  }

  /** The device was heard: it is awake, and an alarm about its silence may be over. */
  #hear(state: DeviceState, arrivedAt: number): void {
    state.asleep = false;
    if (arrivedAt > state.heardAt) state.heardAt = arrivedAt;
    if (state.isMissed) this.#evaluator.silence(state, state.heardAt, this.#openedAt);
  }

  #takeTransitions(): readonly Transition[] {
    if (this.#transitions.length === 0) return none;
    const taken = this.#transitions;
    this.#transitions = [];
    return taken;
  }
}

/** Rules of a set, ready to evaluate. @param calendar what is known of times and places; nothing without one */
export function createEngine(rules: readonly CompiledRule[], calendar?: Calendar): Engine {
  return new Engine(rules, calendar);
}
