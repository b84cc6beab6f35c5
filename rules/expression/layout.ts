import type { Cells } from './cells.js';
import type { Memory } from './memory.js';

/** Cells before those of the first memory; whoever has the cells may use them. */
export const ownCells = 4;

/**
 * Where the memories of a device class are in the cells of one device or part. Those that nothing was ever put in have
 * none. Devices that report the same have the same layout.
 */
export class Layout {
  /** Where the cells of each memory begin, by its place; -1 where it has none. */
  readonly starts: Int32Array;
  /** How many cells it has. */
  readonly sizes: Int32Array;
  /** Of all of them together. */
  readonly length: number;
  readonly #memories: readonly Memory[];
  /** How many of its sizes each memory has gone through; 0 where it has no cells. */
  readonly #levels: Uint8Array;
  readonly #known: Map<string, Layout>;
  readonly #next: (Layout | undefined)[];

  private constructor(memories: readonly Memory[], levels: Uint8Array, known: Map<string, Layout>) {
    this.#memories = memories;
    this.#levels = levels;
    this.#known = known;
    this.#next = memories.map(() => undefined);
    this.starts = new Int32Array(memories.length).fill(-1);
    this.sizes = new Int32Array(memories.length);
    let length = ownCells;
    memories.forEach(({ sizes }, place) => {
      const level = levels[place] as number;
      if (level === 0) return;
      const size = sizes[level - 1] as number;
      this.starts[place] = length;
      this.sizes[place] = size;
      length += size;
    });
    this.length = length;
  }

  /** The layout in which no memory has any cells. */
  static of(memories: readonly Memory[]): Layout {
    return new Layout(memories, new Uint8Array(memories.length), new Map());
  }

  /** The layout in which that memory has cells, or more of them than here. */
  grown(place: number): Layout {
    return (this.#next[place] ??= this.#grow(place));
  }

  /** The cells of this layout, with what is in those of another one. */
  adopt(cells: Cells, from: Layout): Cells {
    const own = new Float64Array(this.length);
    own.set(cells.subarray(0, ownCells));
    from.starts.forEach((start, place) => {
      if (start < 0) return;
      const size = from.sizes[place] as number;
      const to = this.starts[place] as number;
      if (size === this.sizes[place]) own.set(cells.subarray(start, start + size), to);
      else {
        const memory = this.#memories[place] as Memory;
        memory.unpack(memory.pack(cells, start) ?? [], own, to, this.sizes[place] as number);
      }
    });
    return own;
  }

  #grow(place: number): Layout {
    const levels = this.#levels.slice();
    const memory = this.#memories[place] as Memory;
    const level = (levels[place] as number) + 1;
    if (level > memory.sizes.length) throw new Error(`${memory.key} needs more cells than it can have`);
    levels[place] = level;
    if (memory.fills !== undefined && levels[memory.fills] === 0) levels[memory.fills] = 1;
    const key = levels.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const layout = new Layout(this.#memories, levels, this.#known);
    this.#known.set(key, layout);
    return layout;
  }
}
