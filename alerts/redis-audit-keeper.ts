import type { AuditAnchor } from '../devices/audit.js';
import { readChainEnds, trimAudit } from '../devices/redis-audit.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Redis } from '../runtime/redis-connection.js';
import { appendAnchor, readAnchors } from './anchor-file.js';

const dayMs = 86_400_000;

/**
 * Looks after the audit: writes down where it ends (the anchor) in a file and in the log, so that whoever rewrites it
 * in Redis has to rewrite these too, and removes what is older than it has to be kept.
 */
export class AuditKeeper {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #file: string;
  readonly #keptMs: number;
  #last: AuditAnchor | undefined;

  constructor(parts: {
    readonly redis: Redis;
    readonly clock: Clock;
    readonly log: Logger;
    /** Of the anchors. */
    readonly file: string;
    readonly keptDays: number;
  }) {
    this.#redis = parts.redis;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#file = parts.file;
    this.#keptMs = parts.keptDays * dayMs;
  }

  /** Writes an anchor down, where something was recorded since the last one. */
  async anchor(): Promise<void> {
    this.#last ??= (await readAnchors(this.#file)).at(-1);
    const { head } = await readChainEnds(this.#redis);
    const behind = this.#last !== undefined && head.seq < this.#last.seq;
    if (behind)
      this.#log.error(
        `the audit ends at record ${head.seq}, and record ${this.#last?.seq} was there before: its end was removed; see "campus audit verify"`,
      );
    if (behind || head.seq === (this.#last?.seq ?? 0)) return;
    const anchor = { ...head, at: this.#clock.now() };
    await appendAnchor(this.#file, anchor);
    this.#last = anchor;
    this.#log.info({ seq: anchor.seq, hash: anchor.hash }, 'audit anchored');
  }

  /** Removes what is too old, once that is anchored. */
  async trim(): Promise<void> {
    await this.anchor();
    const gone = await trimAudit(this.#redis, this.#clock.now() - this.#keptMs);
    if (gone > 0) this.#log.info(`${gone} records of the audit were older than AUDIT_DAYS and are removed`);
  }
}
