import type { Redis } from '../runtime/redis-connection.js';
import type { IngestMetrics } from './ingest-metrics.js';
import type { ShardFence } from './log/log.js';
import { readHeld, readOldest } from './quarantine/redis-retention.js';
import type { OldItem } from './quarantine/redis-retention.js';
import { excessOf } from './quarantine/retention.js';
import type { QuarantineSize } from './quarantine/retention.js';
import { saveStoreState } from './redis-store-checkpoint.js';
import type { StoreState } from './redis-store-checkpoint.js';
import type { Settlement } from './settlement.js';

const checkpointMs = 1000;
/** How soon after the last one when there is nothing else to do. */
export const idleCheckpointMs = 200;
/** Replays that run at the same time may take what was to expire. */
const mostAttempts = 5;

export interface CheckpointParts {
  readonly redis: Redis;
  /** The right to change the shard, and which one it is. */
  readonly lease: ShardFence;
  readonly metrics: IngestMetrics;
  /** How much the shard's quarantine may hold. */
  readonly quarantine: QuarantineSize;
  /** Told after every checkpoint up to where the store no longer needs the log. */
  readonly onCheckpoint: (cursor: string) => Promise<void>;
}

/** Saves what the store knows of a shard, and lets expire what its quarantine has no room for. */
export class StoreCheckpoint {
  readonly #state: StoreState;
  readonly #settlement: Settlement;
  readonly #parts: CheckpointParts;
  #at = performance.now();
  #isDirty: boolean;

  constructor(state: StoreState, settlement: Settlement, parts: CheckpointParts) {
    this.#state = state;
    this.#settlement = settlement;
    this.#parts = parts;
    this.#isDirty = excessOf(state.held, parts.quarantine) !== undefined;
  }

  /** There is something to save, or to let expire. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** The cursor has moved. */
  touch(): void {
    this.#isDirty = true;
  }

  /** @throws AppError `lease_lost` when the shard has another owner */
  async saveIfDue(idle: boolean): Promise<void> {
    const sinceMs = performance.now() - this.#at;
    if (this.#isDirty && (sinceMs >= checkpointMs || (idle && sinceMs >= idleCheckpointMs)))
      await this.save();
  }

  /** @throws AppError `lease_lost` when the shard has another owner */
  async save(): Promise<void> {
    const { redis, lease, quarantine, metrics } = this.#parts;
    let expired: readonly OldItem[];
    for (let attempt = 1; ; attempt++) {
      expired = attempt < mostAttempts ? await this.#chooseExpired() : [];
      this.#settlement.countExpired(expired, 1);
      const ids = expired.map(({ id }) => id);
      if (await saveStoreState(redis, lease, this.#state, { ...this.#settlement.unsaved, expired: ids }))
        break;
      this.#settlement.countExpired(expired, -1);
    }
    for (const { reason, count } of expired) metrics.expired.inc({ reason }, count);
    this.#settlement.saved();
    this.#at = performance.now();
    // What was added only now may be too much, or it was too much for one checkpoint.
    this.#isDirty = excessOf(this.#state.held, quarantine) !== undefined;
    await this.#parts.onCheckpoint(this.#state.cursor);
  }

  async #chooseExpired(): Promise<readonly OldItem[]> {
    const { redis, lease, quarantine } = this.#parts;
    if (excessOf(this.#state.held, quarantine) === undefined) return [];
    // Replays may have made room since the last checkpoint.
    this.#state.held = await readHeld(redis, lease.shard);
    const excess = excessOf(this.#state.held, quarantine);
    return excess === undefined ? [] : readOldest(redis, lease.shard, excess);
  }
}
