import { isWide } from '../group-kind.js';
import type { GroupTally } from '../tally.js';
import { last } from '../expression/value-memories.js';
import type { Median } from '../expression/plan.js';
import { changeMember, createGroupState, groupKey, groupOf } from './group-state.js';
import type { Programs } from './program.js';
import type { DeviceState, GroupRef, GroupState } from './state.js';

/** Fewer devices than this have no median worth comparing with. */
const fewestForMedian = 4;
/** A value that was not reported again for so long is no longer compared, ms. */
const oldestForMedian = 900_000;

/** All groups of devices that rules look at. */
export class Groups {
  readonly #programs: Programs;
  readonly #groups = new Map<string, GroupState>();

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  /** Whether any rule compares a device with others. */
  get areCompared(): boolean {
    return Object.values(this.#programs).some(({ medians }) => medians.length > 0);
  }

  /** What this shard has of groups that reach over several. */
  tally(): readonly GroupTally[] {
    return this.inOrder().flatMap(({ ref: { deviceClass, kind, id }, size, counts, program }) => {
      if (!isWide(kind)) return [];
      const some = program.traits.flatMap(({ text }, place) => {
        const count = counts[place] ?? 0;
        return count === 0 ? [] : [[text, count] as const];
      });
      return [{ deviceClass, kind, id, size, counts: Object.fromEntries(some) }];
    });
  }

  /** Whether any rule is about groups that reach over several shards. */
  get areWide(): boolean {
    return Object.values(this.#programs).some(({ groupRules }) =>
      groupRules.some(({ rule: { group } }) => group !== undefined && isWide(group)),
    );
  }

  /** Whether any rule is about a group. */
  get areJudged(): boolean {
    return Object.values(this.#programs).some(({ groupRules }) => groupRules.length > 0);
  }

  /** In an order that doesn't depend on the one in which they came to be known. */
  inOrder(): readonly GroupState[] {
    return [...this.#groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  }

  all(): Iterable<GroupState> {
    return this.#groups.values();
  }

  ensure(ref: GroupRef): GroupState {
    const key = groupKey(ref);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = createGroupState(ref, this.#programs[ref.deviceClass]);
      this.#groups.set(key, group);
    }
    return group;
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

  /** The device came into a condition that groups count, or out of it. */
  setTrait(state: DeviceState, place: number, holds: boolean): void {
    state.traits[place] = holds;
    const by = holds ? 1 : -1;
    for (const kind of state.program.groupKinds) {
      const group = state.groups[kind];
      if (group !== undefined) group.counts[place] = (group.counts[place] ?? 0) + by;
    }
  }

  /** Computes anew the medians that devices are compared with. */
  updateMedians(at: number): void {
    for (const group of this.#groups.values()) {
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
    this.#groups.delete(groupKey(group.ref));
    emptied.push(group);
  }
}

function medianOf(group: GroupState, { place }: Median, at: number): number | undefined {
  const values: number[] = [];
  for (const { memories, newestAt, lagMs } of group.members) {
    const content = memories[place];
    if (content === undefined || newestAt + lagMs < at - oldestForMedian) continue;
    const value = content[last.value];
    if (value !== undefined) values.push(value);
  }
  if (values.length < fewestForMedian) return undefined;
  values.sort((a, b) => a - b);
  const middle = values.length / 2;
  return values.length % 2 === 1
    ? values[Math.floor(middle)]
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}
