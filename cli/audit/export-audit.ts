import type { ChainLink } from '../../devices/audit.js';
import { canonicalJson } from '../../devices/canonical-json.js';
import { readChain, readChainEnds } from '../../devices/redis-audit.js';
import type { Redis } from '../../runtime/redis-connection.js';
import type { ExportFooter, ExportHeader } from './verify-audit.js';

/** Times of records lie this much apart at most where they don't rise; of the registry they are wall time. */
const dayMs = 86_400_000;

/**
 * The lines of an export: a header, the records from the first to the last one of the time that was asked for, without
 * a gap, and an anchor.
 */
export async function* exportAudit(
  redis: Redis,
  {
    from = -Infinity,
    to = Infinity,
    now,
  }: { readonly from?: number; readonly to?: number; readonly now: number },
): AsyncGenerator<string> {
  let last: ChainLink = (await readChainEnds(redis)).base;
  let begun = false;
  // Times need not rise from one record to the next: what may still be wanted is held back.
  let held: string[] = [];
  for await (const record of readChain(redis)) {
    const wanted = from <= record.at && record.at < to;
    if (record.at >= to + dayMs) break;
    if (!begun && !wanted) {
      last = { seq: record.seq, hash: record.hash };
      continue;
    }
    if (!begun) yield JSON.stringify({ kind: 'audit_export', base: last } satisfies ExportHeader);
    begun = true;
    held.push(canonicalJson(record));
    if (!wanted) continue;
    yield* held;
    held = [];
    last = { seq: record.seq, hash: record.hash };
  }
  if (!begun) yield JSON.stringify({ kind: 'audit_export', base: last } satisfies ExportHeader);
  yield JSON.stringify({ kind: 'anchor', ...last, at: now } satisfies ExportFooter);
}
