import type { DeviceClass } from '../../devices/device-class.js';
import { deviceClasses } from '../../devices/device-class.js';
import type { Bilingual } from '../alarm.js';
import { referencesOf, sortByReference } from '../check-references.js';
import type { Expression } from '../expression/expression.js';
import { negate } from '../expression/expression.js';
import { Plan } from '../expression/plan.js';
import type { Median, Trait } from '../expression/plan.js';
import { Layout } from '../expression/layout.js';
import type { Memory } from '../expression/memory.js';
import type { GroupKind } from '../group-kind.js';
import type { DeviceRef } from '../device-ref.js';
import type { CompiledRule, RuleStep } from '../rule.js';

/** A rule as it is evaluated for the devices of one class, or for groups of them. */
export interface BoundRule {
  readonly rule: CompiledRule;
  /** Where its alarms are among those of a device, or of a group. */
  readonly place: number;
  readonly steps: readonly RuleStep<Expression>[];
  /** The titles of the rules that it refers to, by their ids. */
  readonly named?: Readonly<Record<string, Bilingual>> | undefined;
  /** Single metrics that it looks at. */
  readonly metrics: readonly string[];
  /** Memories that it looks at, by their places. */
  readonly places: readonly number[];
  /** Of these, those in which something can be waited for. */
  readonly waiting: readonly number[];
  /** It asks whether alarms of other rules are active. */
  readonly isAboutAlarms: boolean;
  /** It asks how old a value is. */
  readonly isAboutAge: boolean;
  /** Memories of which the condition of each step needs all, by their places. */
  readonly needs: readonly (readonly number[])[];
  /** Less seconds of silence, and it is not raised; without it nobody knows. */
  readonly leastSilence: ((device: DeviceRef) => number) | undefined;
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
  /** Rules that are switched off. */
  readonly off: ReadonlySet<string>;
  /** In an order in which each comes after those that it refers to. */
  readonly rules: readonly BoundRule[];
  readonly readingRules: readonly BoundRule[];
  /** Rules about readings that a late one can move. */
  readonly lateRules: readonly BoundRule[];
  readonly eventRules: readonly BoundRule[];
  /** Rules that ask how old a value is, of parts too that are not reported any more. */
  readonly ageRules: readonly BoundRule[];
  /** Rules that the passing of time moves: those about silence, and others. */
  readonly silenceRules: readonly BoundRule[];
  readonly timedRules: readonly BoundRule[];
  readonly groupRules: readonly BoundRule[];
  readonly memories: readonly Memory[];
  /** Where they are in the cells of a device that nothing is remembered of. */
  readonly layout: Layout;
  /** What a value of each metric has to do with: memories about it alone, and rules; by their places. */
  readonly concerns: ReadonlyMap<
    string,
    { readonly memories: readonly number[]; readonly rules: readonly number[] }
  >;
  /** Those about several metrics, which are to come after all of one. */
  readonly mixedMemories: readonly number[];
  /** Those in which something can be waited for. */
  readonly waiting: readonly number[];
  readonly traits: readonly Trait[];
  readonly medians: readonly Median[];
  /** The groups that anything looks at. */
  readonly groupKinds: readonly GroupKind[];
  /**
   * The rules about readings that can be raised for who remembers this, in their order: all others need something that
   * was never reported.
   */
  readonly awake: (layout: Layout, ofDevice: Layout) => readonly BoundRule[];
  /** The same for conditions about readings that groups count; their places. */
  readonly awakeTraits: (layout: Layout, ofDevice: Layout) => readonly number[];
  /** Less seconds of silence, and no rule or count about silence is moved by it. */
  readonly leastSilence: (device: DeviceRef) => number;
}

export type Programs = Readonly<Record<DeviceClass, Program>>;

/** Compiles rules for each class. Rules that are off are left out. */
export function createPrograms(rules: readonly CompiledRule[]): Programs {
  const all = sortByReference(rules.filter(({ mode }) => mode !== 'off'));
  const off = new Set(rules.filter(({ mode }) => mode === 'off').map(({ id }) => id));
  const titles = new Map(rules.map(({ id, title }) => [id, title]));
  const programs = deviceClasses.map(
    (deviceClass) =>
      [
        deviceClass,
        createProgram(
          all.filter(({ classes }) => classes.includes(deviceClass)),
          deviceClass,
          { off, titles },
        ),
      ] as const,
  );
  return Object.fromEntries(programs) as Record<DeviceClass, Program>;
}

function createProgram(
  own: readonly CompiledRule[],
  deviceClass: DeviceClass,
  { off, titles }: { readonly off: ReadonlySet<string>; readonly titles: ReadonlyMap<string, Bilingual> },
): Program {
  const ofDevices = own.filter(({ group }) => group === undefined);
  const ofGroups = own.filter(({ group }) => group !== undefined);
  const plan = new Plan(new Map(ofDevices.map(({ id }, place) => [id, place])));
  const bind = (rule: CompiledRule, place: number) => ({
    ...bindRule(rule, place, deviceClass, plan),
    named: namesOf(rule, titles),
  });
  const rules = ofDevices.map(bind);
  const groupRules = ofGroups.map(bind);
  const timed = rules.filter(({ onTicks }) => onTicks);
  const readingRules = rules.filter(({ onReadings }) => onReadings);
  const silenceRules = timed.filter(({ isAboutSilence }) => isAboutSilence);
  const silences = [...silenceRules, ...plan.traits.filter(({ isAboutSilence }) => isAboutSilence)];
  const leastSilence = leastOf(silences.map((each) => each.leastSilence));
  return {
    off,
    rules,
    readingRules,
    awake: findOnce((has) => readingRules.filter(({ needs }) => needs.some((each) => each.every(has)))),
    awakeTraits: findOnce((has, isOwn) => awakeTraits(plan.traits, has, isOwn)),
    leastSilence: leastSilence ?? (() => 0),
    lateRules: rules.filter(({ onReadings, onLateReadings }) => onReadings && onLateReadings),
    eventRules: rules.filter(({ onEvents }) => onEvents),
    ageRules: readingRules.filter(({ isAboutAge }) => isAboutAge),
    silenceRules,
    timedRules: timed.filter(({ isAboutSilence }) => !isAboutSilence),
    groupRules,
    memories: plan.memories,
    layout: Layout.of(plan.memories),
    concerns: findConcerns(plan.memories, rules),
    mixedMemories: [...plan.memories.keys()].filter(
      (place) => (plan.memories[place]?.metrics.length ?? 0) > 1,
    ),
    waiting: [...plan.memories.keys()].filter((place) => plan.memories[place]?.isWaiting !== undefined),
    traits: plan.traits,
    medians: plan.medians,
    groupKinds: [
      ...new Set([...plan.medians.map(({ kind }) => kind), ...ofGroups.flatMap(({ group }) => group ?? [])]),
    ],
  };
}

function namesOf(rule: CompiledRule, titles: ReadonlyMap<string, Bilingual>): BoundRule['named'] {
  const named = [...referencesOf(rule)].flatMap((id) => {
    const title = titles.get(id);
    return title === undefined ? [] : [[id, title] as const];
  });
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

type LeastSilence = BoundRule['leastSilence'];

/** What is not moved by less silence than any of these. */
function leastOf(all: readonly LeastSilence[]): LeastSilence {
  const known = all.filter((each) => each !== undefined);
  if (known.length < all.length) return undefined;
  return (device) => Math.min(...known.map((each) => each(device)));
}

type Has = (place: number) => boolean;

/**
 * Finds something once for each layout of a device or a part, and that of the device.
 * @param find is told whether either has cells for a memory, and whether the first has
 */
function findOnce<T>(find: (has: Has, isOwn: Has) => readonly T[]) {
  const known = new Map<Layout, Map<Layout, readonly T[]>>();
  return (layout: Layout, ofDevice: Layout): readonly T[] => {
    let ofOwn = known.get(layout);
    if (ofOwn === undefined) known.set(layout, (ofOwn = new Map<Layout, readonly T[]>()));
    let found = ofOwn.get(ofDevice);
    if (found === undefined) {
      const isOwn = (place: number) => (layout.starts[place] as number) >= 0;
      const has = (place: number) => isOwn(place) || (ofDevice.starts[place] as number) >= 0;
      ofOwn.set(ofDevice, (found = find(has, isOwn)));
    }
    return found;
  };
}

/** A condition about nothing that is remembered may hold for anybody. */
function awakeTraits(traits: readonly Trait[], has: Has, isOwn: Has): readonly number[] {
  return traits.flatMap(({ movedBy, needs, places }, place) =>
    movedBy.readings && needs.every(has) && (places.length === 0 || places.some(isOwn)) ? [place] : [],
  );
}

/** What a value of each metric has to do with. */
function findConcerns(memories: readonly Memory[], rules: readonly BoundRule[]): Program['concerns'] {
  const concerns = new Map<string, { memories: number[]; rules: number[] }>();
  const of = (name: string) => {
    const known = concerns.get(name) ?? { memories: [], rules: [] };
    concerns.set(name, known);
    return known;
  };
  memories.forEach(({ metrics: [name, ...others] }, place) => {
    if (name !== undefined && others.length === 0) of(name).memories.push(place);
  });
  for (const { metrics, place } of rules) for (const name of metrics) of(name).rules.push(place);
  return concerns;
}

function bindRule(rule: CompiledRule, place: number, deviceClass: DeviceClass, plan: Plan): BoundRule {
  const steps = rule.steps.map((step) => {
    const condition = step.condition.bind(deviceClass, plan);
    return { ...step, condition, clear: step.clear?.bind(deviceClass, plan) ?? negate(condition) };
  });
  const expressions = steps.flatMap(({ condition, clear }) => [condition, clear]);
  const places = [...new Set(expressions.flatMap((each) => each.places))];
  return {
    rule,
    place,
    steps,
    metrics: [...new Set(expressions.flatMap(({ metrics }) => metrics))],
    places,
    waiting: places.filter((each) => plan.memories[each]?.isWaiting !== undefined),
    isAboutAlarms: expressions.some(({ isAboutAlarms }) => isAboutAlarms),
    isAboutAge: expressions.some(({ isAboutAge }) => isAboutAge),
    needs: steps.map(({ condition }) => condition.needs),
    leastSilence: leastOf(steps.map(({ condition }) => condition.leastSilence)),
    onLateReadings: expressions.some(({ usesMemories }) => usesMemories),
    onReadings: expressions.some(({ movedBy }) => movedBy.readings),
    onTicks: rule.group === undefined && expressions.some(({ movedBy }) => movedBy.ticks),
    onEvents: expressions.some(({ movedBy }) => movedBy.events),
    isAboutSilence: expressions.some(({ isAboutSilence }) => isAboutSilence),
  };
}
