import type { DeviceClass } from '../../devices/device-class.js';
import { isWide } from '../group-kind.js';
import type { Tally } from '../tally.js';
import { last } from '../expression/value-memories.js';
import type { Median } from '../expression/plan.js';
import { GroupBook } from './group-book.js';
import { changeMember, groupOf, noTraits } from './group-state.js';
import type { Programs } from './program.js';
import type { Settling } from './settling.js';
import type { DeviceState, GroupState, Subject } from './state.js';

/** Fewer devices than this have no median worth comparing with. */
const fewestForMedian = 4;
/** A value that was not reported again for so long is no longer compared, ms. */
const oldestForMedian = 900_000;

/** All groups of devices that rules look at. */
export class Groups extends GroupBook {
  /** Whether any rule compares a device with others. */
  readonly areCompared: boolean;
  /** Whether any rule is about a group. */
  readonly areJudged: boolean;
  /** Whether any rule is about groups that reach over several shards. */
  readonly areWide: boolean;
  /** The conditions that rules about such groups count, by class. */
  readonly #wideTraits: Readonly<Record<string, readonly string[]>>;
  #settling: Settling | undefined;

  constructor(programs: Programs) {
    super(programs);
    const all = Object.values(programs);
    const kinds = all.flatMap(({ groupRules }) => groupRules.flatMap(({ rule: { group } }) => group ?? []));
    this.areCompared = all.some(({ medians }) => medians.length > 0);
    this.areJudged = kinds.length > 0;
    this.areWide = kinds.some(isWide);
    const wideTraits = Object.entries(programs).map(([deviceClass, { groupRules, traits }]) => {
      const wide = groupRules.filter(({ rule: { group } }) => group !== undefined && isWide(group));
      const steps = wide.flatMap((each) => each.steps);
      const places = steps.flatMap(({ condition, clear }) => [...condition.traits, ...clear.traits]);
      return [deviceClass, [...new Set(places)].flatMap((place) => traits[place]?.text ?? [])] as const;
    });
    this.#wideTraits = Object.fromEntries(wideTraits);
  }

  /** What this shard has of groups that reach over several. */
  tally(): Pick<Tally, 'groups' | 'conditions'> {
    const groups = this.inOrder().flatMap(({ ref: { deviceClass, kind, id }, size, counts, program }) => {
      if (!isWide(kind)) return [];
      const some = program.traits.flatMap(({ text }, place) => {
        const count = counts[place] ?? 0;
        return count === 0 ? [] : [[text, count] as const];
      });
      return [{ deviceClass, kind, id, size, counts: Object.fromEntries(some) }];
    });
    return { groups, conditions: this.#conditions() };
  }

  /** A condition that is settling is not known of any of the groups. */
  settle(settling: Settling): void {
    this.#settling = settling.isOver ? undefined : settling;
    for (const group of this.inOrder()) group.unknown = this.#unknownOf(group);
  }

  #unknownOf({ ref: { deviceClass }, program: { traits } }: GroupState): ReadonlySet<number> {
    const settling = this.#settling;
    if (settling === undefined) return noTraits;
    return new Set(traits.flatMap(({ text }, place) => (settling.has(deviceClass, text) ? [place] : [])));
  }

  /** What is counted of groups that reach over several shards. */
  #conditions(): NonNullable<Tally['conditions']> {
    const all = Object.entries(this.#wideTraits).map(([deviceClass, texts]) => {
      const isKnown = (text: string) => this.#settling?.has(deviceClass as DeviceClass, text) !== true;
      return [deviceClass, texts.filter(isKnown)] as const;
    });
    return Object.fromEntries(all);
  }

  /**
   * Puts a device into the groups that it belongs to now, and takes it out of others.
   * @returns groups that have no devices any more; they are forgotten
   */
  place(state: DeviceState): readonly GroupState[] {
    const emptied: GroupState[] = [];
    for (const kind of state.program.groupKinds) {
      const ref = groupOf(state.device, kind);
      const before = state.groups[kind];
      if (ref !== undefined && before?.ref.id === ref.id && before.ref.site === ref.site) continue;
      if (before !== undefined) this.#leave(state, before, emptied);
      if (ref === undefined) continue;
      const group = this.ensure(ref);
      state.groups[kind] = group;
      changeMember(group, state, 1);
    }
    return emptied;
  }

  /** Takes a device out of all its groups. @returns groups that have no devices any more; they are forgotten */
  remove(state: DeviceState): readonly GroupState[] {
    const emptied: GroupState[] = [];
    for (const group of Object.values(state.groups)) this.#leave(state, group, emptied);
    return emptied;
  }

  /** Forgets all groups that have no devices, and returns them. */
  dropEmpty(): readonly GroupState[] {
    const empty = this.inOrder().filter(({ size }) => size === 0);
    for (const group of empty) this.forget(group);
    return empty;
  }

  /** The device came into a condition that groups count, or out of it. */
  setTrait(state: DeviceState, place: number, holds: boolean): void {
    state.setTrait(place, holds);
    const by = holds ? 1 : -1;
    for (const kind of state.program.groupKinds) {
      const group = state.groups[kind];
      if (group !== undefined) group.counts[place] = (group.counts[place] ?? 0) + by;
    }
  }

  /** Computes anew the medians that devices are compared with. */
  updateMedians(at: number): void {
    for (const group of this.inOrder()) {
      group.program.medians.forEach((median, place) => {
        if (median.kind !== group.ref.kind) return;
        const value = medianOf(group, median, at);
        if (value === group.medians[place]) return;
        group.medians[place] = value;
        group.changed = true;
      });
    }
  }

  #leave(state: DeviceState, group: GroupState, emptied: GroupState[]): void {
    changeMember(group, state, -1);
    Reflect.deleteProperty(state.groups, group.ref.kind);
    if (group.size > 0) return;
    this.forget(group);
    emptied.push(group);
  }
}

function lastOf({ cells, layout }: Subject, place: number): number | undefined {
  const start = layout.starts[place] ?? -1;
  return start < 0 ? undefined : cells[start + last.value];
}

/** The mean over the parts of a device that doesn't report it itself. */
function lastOfParts({ parts }: DeviceState, place: number): number | undefined {
  let sum = 0;
  let count = 0;
  for (const [, part] of parts) {
    const value = lastOf(part, place);
    if (value === undefined) continue;
    sum += value;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

function medianOf(group: GroupState, { place }: Median, at: number): number | undefined {
  const values: number[] = [];
  for (const state of group.members) {
    if (state.newestAt + state.lagMs < at - oldestForMedian) continue;
    const value = lastOf(state, place) ?? lastOfParts(state, place);
    if (value !== undefined) values.push(value);
  }
  if (values.length < fewestForMedian) return undefined;
  // As numbers, and faster than an array sorts.
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
