import type { Tally } from '../tally.js';
import { GroupBook } from './group-book.js';
import { noTraits } from './group-state.js';
import type { GroupState } from './state.js';

/** Moments that are waited for, while a shard tells nothing: an hour. */
const mostMoments = 360;
/** A shard that tells nothing, while others do, is waited for so long, pipeline ms; then it is left out. */
const patienceMs = 120_000;

/** What is kept of the tallies in the checkpoint. */
export interface SavedTallies {
  readonly judgedAt: number | null;
  /** By shard: its newest tally, and those that are not judged yet, the oldest first. */
  readonly shards: readonly (readonly [shard: number, tallies: readonly Tally[]])[];
  /** Shards behind the others, and since when they tell nothing. */
  readonly behind?: readonly (readonly [shard: number, since: number])[];
  /** Shards that are left out. */
  readonly out?: readonly number[];
  /** How many shards there are. */
  readonly of?: number;
}

/**
 * Groups that reach over several shards. Each shard tells from time to time what it has of them; a moment is judged
 * when all have told of it or of a later one, so that it doesn't matter in which order they do. One that tells nothing
 * for long is left out: what it has is unknown, and ends no alarm.
 */
export class WideGroups extends GroupBook {
  /** By shard: its newest tally of a judged moment, and all after it, the oldest first. */
  readonly #tallies = new Map<number, Tally[]>();
  readonly #behind = new Map<number, number>();
  readonly #out = new Set<number>();
  #judgedAt = -Infinity;
  #shards = 0;
  /** Differs from what was last saved. */
  changed = false;

  /** Takes what a shard tells; one that it told already is passed over. @param shards how many there are */
  take(shard: number, shards: number, tally: Tally): void {
    const told = this.#tallies.get(shard) ?? [];
    const newest = told.at(-1);
    // An owner that was stalled and has been replaced may wake up and go on.
    if ((tally.owner ?? 0) < (newest?.owner ?? 0)) return;
    this.#shards = shards;
    // It tells, though it may have to make up for lost time.
    this.changed = this.#behind.delete(shard) || this.changed;
    if (tally.at <= (newest?.at ?? -Infinity)) return;
    // One that was left out is back as soon as it tells of about now: that moment may be judged already.
    if (tally.at > this.#judgedAt - patienceMs) this.#out.delete(shard);
    if (tally.at <= this.#judgedAt) told.length = 0;
    told.push(tally);
    if (told.length > mostMoments) told.shift();
    this.#tallies.set(shard, told);
    // Fewer shards than before: those that are no more tell nothing.
    for (const known of this.#tallies.keys()) if (known >= shards) this.#tallies.delete(known);
    this.changed = true;
  }

  /** Pipeline time has come to `at`, which is not that of the shards: they may be making up for lost time. */
  tick(at: number): void {
    const newest = Math.max(-Infinity, ...[...this.#tallies.keys()].map((shard) => this.#toldUntil(shard)));
    for (let shard = 0; shard < this.#shards; shard++) {
      if (this.#toldUntil(shard) >= newest || this.#out.has(shard)) continue;
      const since = this.#behind.get(shard);
      if (since === undefined) this.#behind.set(shard, at);
      else if (at - since > patienceMs) this.#out.add(shard);
      else continue;
      this.changed = true;
    }
  }

  /**
   * Sets the groups to the next moment that all shards have told of that are not left out.
   * @returns its time; undefined when there is none yet
   */
  next(): number | undefined {
    const present = Array.from({ length: this.#shards }, (_, shard) => shard).filter(
      (shard) => !this.#out.has(shard),
    );
    const toldUntil = Math.min(...present.map((shard) => this.#toldUntil(shard)));
    const all = present.map((shard) => this.#tallies.get(shard) ?? []);
    const moments = all.flatMap((told) => told.map(({ at }) => at)).filter((at) => at > this.#judgedAt);
    const next = Math.min(...moments);
    if (moments.length === 0 || next > toldUntil) return undefined;
    this.#judgedAt = next;
    for (const told of all) while ((told[1]?.at ?? Infinity) <= next) told.shift();
    this.#count(all.flatMap(([oldest]) => (oldest !== undefined && oldest.at <= next ? oldest : [])));
    this.changed = true;
    return next;
  }

  save(): SavedTallies {
    const judgedAt = Number.isFinite(this.#judgedAt) ? this.#judgedAt : null;
    const [behind, out] = [[...this.#behind], [...this.#out]];
    return { judgedAt, shards: [...this.#tallies], behind, out, of: this.#shards };
  }

  restore({ judgedAt, shards, behind = [], out = [], of = shards.length }: SavedTallies): void {
    this.#judgedAt = judgedAt ?? -Infinity;
    this.#shards = of;
    for (const [shard, tallies] of shards) this.#tallies.set(shard, [...tallies]);
    for (const [shard, since] of behind) this.#behind.set(shard, since);
    for (const shard of out) this.#out.add(shard);
  }

  #toldUntil(shard: number): number {
    return this.#tallies.get(shard)?.at(-1)?.at ?? -Infinity;
  }

  #count(tallies: readonly Tally[]): void {
    // Of a shard that never told nobody knows which groups it has devices of.
    const isAnyPartial = [...this.#out].some((shard) => !this.#tallies.has(shard));
    for (const group of this.inOrder()) {
      group.size = 0;
      group.counts.fill(0);
      group.unknown = noTraits;
      group.isPartial = isAnyPartial;
    }
    for (const { groups, conditions } of tallies) {
      for (const { deviceClass, kind, id, size, counts } of groups) {
        const group = this.ensure({ deviceClass, kind, site: '', id });
        group.size += size;
        group.isPartial = isAnyPartial;
        const known = conditions?.[deviceClass];
        group.program.traits.forEach(({ text }, place) => {
          group.counts[place] = (group.counts[place] ?? 0) + (counts[text] ?? 0);
          if (conditions !== undefined && known?.includes(text) !== true) hide(group, place);
        });
      }
    }
    for (const shard of this.#out)
      for (const { deviceClass, kind, id } of this.#tallies.get(shard)?.at(-1)?.groups ?? [])
        this.ensure({ deviceClass, kind, site: '', id }).isPartial = true;
  }
}

function hide(group: GroupState, place: number): void {
  group.unknown = new Set([...group.unknown, place]);
}
