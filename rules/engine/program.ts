import type { DeviceClass } from '../../devices/device-class.js';
import { deviceClasses } from '../../devices/device-class.js';
import { sortByReference } from '../check-references.js';
import type { Expression } from '../expression/expression.js';
import { negate } from '../expression/expression.js';
import { Plan } from '../expression/plan.js';
import type { Median, Trait } from '../expression/plan.js';
import { Layout } from '../expression/layout.js';
import type { Memory } from '../expression/memory.js';
import type { GroupKind } from '../group-kind.js';
import type { CompiledRule, RuleStep } from '../rule.js';

/** A rule as it is evaluated for the devices of one class, or for groups of them. */
export interface BoundRule {
  readonly rule: CompiledRule;
  /** Where its alarms are among those of a device, or of a group. */
  readonly place: number;
  readonly steps: readonly RuleStep<Expression>[];
  /** Single metrics that it looks at. */
  readonly metrics: readonly string[];
  /** It looks at windows or other memories: a late reading can move it. */
  readonly onLateReadings: boolean;
  readonly onReadings: boolean;
  readonly onTicks: boolean;
  readonly onEvents: boolean;
  /** It goes by pipeline time; all others go by the clock of the device. */
  readonly isAboutSilence: boolean;
}

/** What there is to do for the devices of one class; other classes' rules cost them nothing. */
export interface Program {
  /** In an order in which each comes after those that it refers to. */
  readonly rules: readonly BoundRule[];
  readonly readingRules: readonly BoundRule[];
  /** Rules about readings that a late one can move. */
  readonly lateRules: readonly BoundRule[];
  readonly eventRules: readonly BoundRule[];
  /** Rules that the passing of time moves: those about silence, and others. */
  readonly silenceRules: readonly BoundRule[];
  readonly timedRules: readonly BoundRule[];
  readonly groupRules: readonly BoundRule[];
  readonly memories: readonly Memory[];
  /** Where they are in the cells of a device that nothing is remembered of. */
  readonly layout: Layout;
  /** Those about one metric, by its name, in an order in which each comes after those that it looks at. */
  readonly memoriesOf: ReadonlyMap<string, readonly number[]>;
  /** Those about several metrics, which are to come after all of one. */
  readonly mixedMemories: readonly number[];
  readonly traits: readonly Trait[];
  readonly medians: readonly Median[];
  /** The groups that anything looks at. */
  readonly groupKinds: readonly GroupKind[];
}

export type Programs = Readonly<Record<DeviceClass, Program>>;

/** Compiles rules for each class. Rules that are off are left out. */
export function createPrograms(rules: readonly CompiledRule[]): Programs {
  const all = sortByReference(rules.filter(({ mode }) => mode !== 'off'));
  const programs = deviceClasses.map(
    (deviceClass) =>
      [
        deviceClass,
        createProgram(
          all.filter(({ classes }) => classes.includes(deviceClass)),
          deviceClass,
        ),
      ] as const,
  );
  return Object.fromEntries(programs) as Record<DeviceClass, Program>;
}

function createProgram(own: readonly CompiledRule[], deviceClass: DeviceClass): Program {
  const ofDevices = own.filter(({ group }) => group === undefined);
  const ofGroups = own.filter(({ group }) => group !== undefined);
  const plan = new Plan(new Map(ofDevices.map(({ id }, place) => [id, place])));
  const bind = (rule: CompiledRule, place: number) => bindRule(rule, place, deviceClass, plan);
  const rules = ofDevices.map(bind);
  const groupRules = ofGroups.map(bind);
  const timed = rules.filter(({ onTicks }) => onTicks);
  return {
    rules,
    readingRules: rules.filter(({ onReadings }) => onReadings),
    lateRules: rules.filter(({ onReadings, onLateReadings }) => onReadings && onLateReadings),
    eventRules: rules.filter(({ onEvents }) => onEvents),
    silenceRules: timed.filter(({ isAboutSilence }) => isAboutSilence),
    timedRules: timed.filter(({ isAboutSilence }) => !isAboutSilence),
    groupRules,
    memories: plan.memories,
    layout: Layout.of(plan.memories),
    memoriesOf: placesByMetric(plan.memories),
    mixedMemories: [...plan.memories.keys()].filter(
      (place) => (plan.memories[place]?.metrics.length ?? 0) > 1,
    ),
    traits: plan.traits,
    medians: plan.medians,
    groupKinds: [
      ...new Set([...plan.medians.map(({ kind }) => kind), ...ofGroups.flatMap(({ group }) => group ?? [])]),
    ],
  };
}

function placesByMetric(memories: readonly Memory[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  memories.forEach(({ metrics: [name, ...others] }, place) => {
    if (name === undefined || others.length > 0) return;
    const known = places.get(name);
    if (known === undefined) places.set(name, [place]);
    else known.push(place);
  });
  return places;
}

function bindRule(rule: CompiledRule, place: number, deviceClass: DeviceClass, plan: Plan): BoundRule {
  const steps = rule.steps.map((step) => {
    const condition = step.condition.bind(deviceClass, plan);
    return { ...step, condition, clear: step.clear?.bind(deviceClass, plan) ?? negate(condition) };
  });
  const expressions = steps.flatMap(({ condition, clear }) => [condition, clear]);
  return {
    rule,
    place,
    steps,
    metrics: [...new Set(expressions.flatMap(({ metrics }) => metrics))],
    onLateReadings: expressions.some(({ usesMemories }) => usesMemories),
    onReadings: expressions.some(({ movedBy }) => movedBy.readings),
    onTicks: rule.group === undefined && expressions.some(({ movedBy }) => movedBy.ticks),
    onEvents: expressions.some(({ movedBy }) => movedBy.events),
    isAboutSilence: expressions.some(({ isAboutSilence }) => isAboutSilence),
  };
}
