import { digestOf, linkHash } from './audit.js';
import type { AuditAnchor, AuditRecord, ChainLink } from './audit.js';

/** Something in the audit that can't have come about by appending to it. */
export interface ChainProblem {
  readonly kind: 'changed' | 'removed' | 'inserted' | 'rewritten' | 'truncated' | 'removed_early';
  /** The record that it was found at. */
  readonly seq: number;
  readonly message: string;
}

/** What is known of a chain beside its records. */
export interface ChainFacts {
  /** What the first record has to follow: the last one that was removed by age. */
  readonly base: ChainLink;
  /** Where the chain ends, as its writer noted it; absent: nobody knows. */
  readonly head?: ChainLink | undefined;
  /** Written down elsewhere. */
  readonly anchors: readonly AuditAnchor[];
  /** Records that are not older than this, epoch ms, must be there. */
  readonly keptSince?: number | undefined;
  /** It is a part of a chain: anchors behind its end are of others. */
  readonly isPart?: boolean | undefined;
}

const mostProblems = 100;

/** Verifies a chain, record by record in the order in which they are kept. */
export class ChainCheck {
  readonly #facts: ChainFacts;
  readonly #anchors: Map<number, AuditAnchor>;
  readonly #problems: ChainProblem[] = [];
  #last: ChainLink;
  #count = 0;

  constructor(facts: ChainFacts) {
    this.#facts = facts;
    this.#last = facts.base;
    this.#anchors = new Map(facts.anchors.map((anchor) => [anchor.seq, anchor]));
    this.#checkAnchor(facts.base);
    this.#checkAge();
  }

  add(record: AuditRecord): void {
    this.#count++;
    const { seq, hash, prev } = record;
    if (seq <= this.#last.seq) {
      this.#tell('inserted', seq, `Record ${seq} comes after record ${this.#last.seq}: it was put there.`);
      return;
    }
    if (seq > this.#last.seq + 1) {
      const [from, to] = [this.#last.seq + 1, seq - 1];
      const which = from === to ? `Record ${from} is` : `Records ${from} to ${to} are`;
      this.#tell('removed', from, `${which} missing.`);
    } else if (prev !== this.#last.hash) {
      this.#tell(
        'rewritten',
        seq,
        `Record ${seq} does not follow from record ${this.#last.seq} as it is now: that one was replaced, or this one inserted.`,
      );
    }
    if (linkHash(seq, prev, digestOf(record)) !== hash)
      this.#tell('changed', seq, `Record ${seq} was changed: what it says does not give its hash.`);
    this.#checkAnchor(record);
    this.#last = { seq, hash };
  }

  /** Everything that is wrong, after the last record. */
  end(): { readonly records: number; readonly last: ChainLink; readonly problems: readonly ChainProblem[] } {
    const { head } = this.#facts;
    const last = this.#last;
    if (head !== undefined && head.seq > last.seq)
      this.#tell(
        'truncated',
        last.seq + 1,
        `The end is missing: ${last.seq} is the last record, ${head.seq} was written.`,
      );
    else if (head !== undefined && (head.seq < last.seq || head.hash !== last.hash))
      this.#tell(
        'rewritten',
        last.seq,
        `Record ${last.seq} is not what was noted as the last one (${head.seq}).`,
      );
    const furthest = Math.max(0, ...this.#anchors.keys());
    if (this.#facts.isPart !== true && furthest > Math.max(last.seq, head?.seq ?? 0))
      this.#tell(
        'truncated',
        last.seq + 1,
        `The end is missing: there is an anchor of record ${furthest}, and ${last.seq} is the last record.`,
      );
    return { records: this.#count, last, problems: this.#problems };
  }

  #checkAnchor({ seq, hash }: ChainLink): void {
    const anchor = this.#anchors.get(seq);
    if (anchor === undefined || anchor.hash === hash) return;
    this.#tell(
      'rewritten',
      seq,
      `Record ${seq} is not the one that was anchored: the records up to it were rewritten.`,
    );
  }

  /** What was written between two anchors is younger than the first of them. */
  #checkAge(): void {
    const { base, keptSince } = this.#facts;
    if (keptSince === undefined) return;
    const sorted = [...this.#anchors.values()].sort((a, b) => a.seq - b.seq);
    for (const [i, { seq, at }] of sorted.entries()) {
      const next = sorted[i + 1];
      if (next === undefined || next.seq > base.seq) return;
      if (at <= keptSince || next.seq === seq) continue;
      this.#tell('removed_early', next.seq, `The records up to ${base.seq} were removed before their time.`);
      return;
    }
  }

  #tell(kind: ChainProblem['kind'], seq: number, message: string): void {
    if (this.#problems.length < mostProblems) this.#problems.push({ kind, seq, message });
  }
}
