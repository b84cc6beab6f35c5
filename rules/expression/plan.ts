import type { GroupKind } from '../group-kind.js';
import type { Memory } from './memory.js';
import type { MovedBy } from './moved-by.js';
import type { Sight } from './sight.js';
import type { TruthValue } from './value.js';

/** A condition that the devices of a group are counted by. */
export interface Trait {
  readonly text: string;
  readonly movedBy: MovedBy;
  readonly isAboutSilence: boolean;
  /** Memories that it looks at, and those without which it can't hold; by their places. */
  readonly places: readonly number[];
  readonly needs: readonly number[];
  readonly leastSilence?: TruthValue['leastSilence'];
  readonly test: (sight: Sight) => boolean | undefined;
}

/** A metric whose median over a group is known. */
export interface Median {
  readonly metric: string;
  readonly kind: GroupKind;
  /** Place of the memory of its last value. */
  readonly place: number;
}

/**
 * What the rules of a device class need to have remembered and counted, each thing once and with a place, so that
 * conditions find it without looking for a name.
 */
export class Plan {
  readonly memories: Memory[] = [];
  readonly traits: Trait[] = [];
  readonly medians: Median[] = [];
  readonly #memoryPlaces = new Map<string, number>();
  readonly #traitPlaces = new Map<string, number>();
  readonly #rules: ReadonlyMap<string, number>;

  /** @param rules the places of the class's rules, by their ids */
  constructor(rules: ReadonlyMap<string, number> = new Map()) {
    this.#rules = rules;
  }

  placeOf(memory: Memory): number {
    const known = this.#memoryPlaces.get(memory.key);
    if (known !== undefined) return known;
    this.#memoryPlaces.set(memory.key, this.memories.length);
    return this.memories.push(memory) - 1;
  }

  traitOf(trait: Trait): number {
    const known = this.#traitPlaces.get(trait.text);
    if (known !== undefined) return known;
    this.#traitPlaces.set(trait.text, this.traits.length);
    return this.traits.push(trait) - 1;
  }

  medianOf(median: Median): number {
    const known = this.medians.findIndex(({ kind, place }) => kind === median.kind && place === median.place);
    return known < 0 ? this.medians.push(median) - 1 : known;
  }

  /** Undefined where there is no such rule for the class. */
  ruleAt(id: string): number | undefined {
    return this.#rules.get(id);
  }
}
