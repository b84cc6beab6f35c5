/** How much the quarantine of one shard may hold, or holds. */
export interface QuarantineSize {
  /** Entries of the stream; one may stand for many elements of one message. */
  readonly items: number;
  /** Bytes of their fields. */
  readonly bytes: number;
}

/** From this share on the operator is warned. */
const warnShare = 0.8;

/** The part of each shard: they are filled by different sites, and none may take the room of the others. */
export function shareOfShard(all: QuarantineSize, shards: number): QuarantineSize {
  return { items: Math.ceil(all.items / shards), bytes: Math.ceil(all.bytes / shards) };
}

/** What is too much; undefined when nothing is. */
export function excessOf(held: QuarantineSize, bounds: QuarantineSize): QuarantineSize | undefined {
  const items = Math.max(0, held.items - bounds.items);
  const bytes = Math.max(0, held.bytes - bounds.bytes);
  return items === 0 && bytes === 0 ? undefined : { items, bytes };
}

/** One sentence for the operator when the fullest shard is nearly full; undefined when none is. */
export function describeFullness(
  held: ReadonlyMap<number, QuarantineSize>,
  bounds: QuarantineSize,
): string | undefined {
  let fullest = { shard: 0, share: 0 };
  for (const [shard, { items, bytes }] of held) {
    const share = Math.max(items / bounds.items, bytes / bounds.bytes);
    if (share > fullest.share) fullest = { shard, share };
  }
  if (fullest.share < warnShare) return undefined;
  const percent = Math.min(100, Math.floor(fullest.share * 100));
  return (
    `the quarantine of shard ${fullest.shard} is ${percent} % full, and when it is full its oldest messages expire: ` +
    'see "campus quarantine summary", mend what is wrong and replay them, or raise QUARANTINE_COUNT and QUARANTINE_BYTES.'
  );
}
