import type { DecodedEntry } from './shard-window.js';

/** Cuts entries behind the one with the id `end`, and into runs of about `lines` lines; an entry is never cut. */
export function cutIntoBatches(
  entries: readonly DecodedEntry[],
  lines: number,
  end: string,
): (readonly DecodedEntry[])[] {
  const batches: (readonly DecodedEntry[])[] = [];
  let start = 0;
  let count = 0;
  for (let i = 0; i < entries.length; i++) {
    count += entries[i]?.decoded.length ?? 0;
    if (count >= lines || i === entries.length - 1 || entries[i]?.id === end) {
      batches.push(entries.slice(start, i + 1));
      start = i + 1;
      count = 0;
    }
  }
  return batches;
}
