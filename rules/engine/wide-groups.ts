import type { GroupTally, Tally } from '../tally.js';
import { GroupBook } from './group-book.js';

/** Moments that are waited for, while a shard tells nothing: an hour. */
const mostMoments = 360;

/** What is kept of the tallies in the checkpoint. */
export interface SavedTallies {
  readonly judgedAt: number | null;
  /** By shard: its newest tally, and those that are not judged yet, the oldest first. */
  readonly shards: readonly (readonly [shard: number, tallies: readonly Tally[]])[];
}

/**
 * Groups that reach over several shards. Each shard tells from time to time what it has of them; a moment is judged
 * when all have told of it or of a later one, so that it doesn't matter in which order they do.
 */
export class WideGroups extends GroupBook {
  /** By shard: its newest tally of a judged moment, and all after it, the oldest first. */
  readonly #tallies = new Map<number, Tally[]>();
  #judgedAt = -Infinity;
  /** Differs from what was last saved. */
  changed = false;

  /** Takes what a shard tells; one that it told already is passed over. @param shards how many there are */
  take(shard: number, shards: number, tally: Tally): void {
    const told = this.#tallies.get(shard) ?? [];
    const newest = told.at(-1);
    if (tally.at <= (newest?.at ?? -Infinity) || tally.at <= this.#judgedAt) return;
    told.push(tally);
    if (told.length > mostMoments) told.shift();
    this.#tallies.set(shard, told);
    // Fewer shards than before: those that are no more tell nothing.
    for (const known of this.#tallies.keys()) if (known >= shards) this.#tallies.delete(known);
    this.changed = true;
  }

  /**
   * Sets the groups to the next moment that all shards have told of.
   * @returns its time; undefined when there is none yet
   */
  next(shards: number): number | undefined {
    if (this.#tallies.size < shards) return undefined;
    const all = [...this.#tallies.values()];
    const toldUntil = Math.min(...all.map((told) => told.at(-1)?.at ?? -Infinity));
    const moments = all.flatMap((told) => told.map(({ at }) => at)).filter((at) => at > this.#judgedAt);
    const next = Math.min(...moments);
    if (next > toldUntil) return undefined;
    this.#judgedAt = next;
    for (const told of all) while ((told[1]?.at ?? Infinity) <= next) told.shift();
    this.#count(all.flatMap(([oldest]) => (oldest !== undefined && oldest.at <= next ? oldest.groups : [])));
    this.changed = true;
    return next;
  }

  save(): SavedTallies {
    const judgedAt = Number.isFinite(this.#judgedAt) ? this.#judgedAt : null;
    return { judgedAt, shards: [...this.#tallies] };
  }

  restore({ judgedAt, shards }: SavedTallies): void {
    this.#judgedAt = judgedAt ?? -Infinity;
    for (const [shard, tallies] of shards) this.#tallies.set(shard, [...tallies]);
  }

  #count(tallies: readonly GroupTally[]): void {
    for (const group of this.inOrder()) {
      group.size = 0;
      group.counts.fill(0);
    }
    for (const { deviceClass, kind, id, size, counts } of tallies) {
      const group = this.ensure({ deviceClass, kind, site: '', id });
      group.size += size;
      group.program.traits.forEach(({ text }, place) => {
        group.counts[place] = (group.counts[place] ?? 0) + (counts[text] ?? 0);
      });
    }
  }
}
