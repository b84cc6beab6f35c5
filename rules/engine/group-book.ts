import { createGroupState, groupKey } from './group-state.js';
import type { GroupRef, GroupState } from './state.js';
import type { Programs } from './program.js';

/** Groups of devices, each once. */
export class GroupBook {
  readonly #programs: Programs;
  readonly #groups = new Map<string, GroupState>();
  /** Undefined while it has to be put in order anew. */
  #ordered: readonly GroupState[] | undefined;

  constructor(programs: Programs) {
    this.#programs = programs;
  }

  ensure(ref: GroupRef): GroupState {
    const key = groupKey(ref);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = createGroupState(ref, this.#programs[ref.deviceClass]);
      this.#groups.set(key, group);
      this.#ordered = undefined;
    }
    return group;
  }

  /** All groups, in an order that doesn't depend on the one in which they came to be known. */
  inOrder(): readonly GroupState[] {
    this.#ordered ??= [...this.#groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
    return this.#ordered;
  }

  protected forget({ ref }: GroupState): void {
    this.#groups.delete(groupKey(ref));
    this.#ordered = undefined;
  }
}
