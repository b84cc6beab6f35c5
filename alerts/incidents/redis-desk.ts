import { setTimeout as sleep } from 'node:timers/promises';
import type { OutboxEntry } from '../../rules/alarm.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { Redis } from '../../runtime/redis-connection.js';
import { redisKeys } from '../../runtime/redis-keys.js';
import type { Lease, Leases } from '../../runtime/redis-leases.js';
import { readShardCount } from '../../runtime/redis-shard-count.js';
import { readJsonStreams } from '../redis-json-streams.js';
import type { StreamBatch } from '../redis-json-streams.js';
import { Desk } from './desk.js';
import type { DeskTimes } from './desk.js';
import type { City } from './redis-city.js';
import { forgetPast, loadDesk, saveTurn } from './redis-desk-records.js';
import type { Retention } from './redis-desk-records.js';

/** What the desk works with. */
export interface DeskParts {
  /** A connection of the desk's own: reading blocks it. */
  readonly reading: Redis;
  readonly redis: Redis;
  readonly leases: Leases;
  readonly city: City;
  readonly clock: Clock;
  readonly times: DeskTimes;
  readonly retention: Retention;
  readonly log: Logger;
}

const deskLease = { leaseKey: redisKeys.deskLease, tokenKey: redisKeys.deskLeaseToken, what: 'The desk' };
const longestBlockMs = 1000;
const shortestBlockMs = 10;
const retryMs = 1000;
const forgetEveryMs = 10_000;

/**
 * Follows the outboxes of all shards and makes incidents of what stands there: one process at a time for the whole
 * city. Each turn takes some entries and is written whole, with how far it came; so a kill at any moment repeats and
 * loses nothing, and one that was stalled and replaced can change nothing.
 */
export class DeskFollower {
  readonly #parts: DeskParts;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lastFailure = '';

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Returns when the turn at hand is written. */
  async stop(): Promise<void> {
    this.#stop.abort();
    // Ends a blocked read at once, also one that waits for a Redis that is away.
    this.#parts.reading.disconnect();
    await this.#running;
  }

  /** One sentence while another process is the desk. */
  get waiting(): string | undefined {
    const holder = this.#parts.leases.waiting.get(redisKeys.deskLease);
    return holder === undefined
      ? undefined
      : `stands by: incidents are made by another alerts role (${holder})`;
  }

  async #run(): Promise<void> {
    const { leases } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let lease: Lease | undefined;
      try {
        lease = await leases.acquire(deskLease, signal);
        if (lease !== undefined) await this.#follow(lease, AbortSignal.any([signal, lease.lost]));
      } catch (error) {
        await this.#onFailure(error);
      }
      if (lease !== undefined) await leases.release(lease).catch(() => undefined);
    }
  }

  async #onFailure(error: unknown): Promise<void> {
    // Stopping cuts the connection, so a failure is what ends the last read.
    if (this.#stop.signal.aborted) return;
    const failure = messageOf(error);
    const isTakenOver = error instanceof AppError && error.code === 'lease_lost';
    if (failure !== this.#lastFailure)
      this.#parts.log.warn(`desk: ${failure}${isTakenOver ? '' : '; trying again'}`);
    this.#lastFailure = failure;
    await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #follow(lease: Lease, signal: AbortSignal): Promise<void> {
    const { redis, reading, city, clock, times, retention, log } = this.#parts;
    const saved = await loadDesk(redis);
    const desk = new Desk(times, city.plan, saved.state);
    let cursors = await this.#withStreams(saved.cursors);
    let { turn } = saved;
    await this.#deleteTaken(cursors);
    let followed = 0;
    let forgottenAt = 0;
    while (!signal.aborted) {
      if (followed !== city.version) {
        followed = city.version;
        desk.follow(city.plan, city.inMaintenance);
      }
      const dueAt = desk.nextDueAt();
      const dueMs = dueAt === undefined ? longestBlockMs : clock.wallMs(dueAt - clock.now());
      const blockMs = Math.round(Math.min(longestBlockMs, Math.max(shortestBlockMs, dueMs)));
      const batches = await readJsonStreams(reading, cursors, blockMs, log);
      const now = clock.now();
      for (const batch of batches) await this.#take(desk, batch, now);
      desk.pass(now);
      const changes = desk.takeChanges();
      const isChanged =
        changes.alarms.size + changes.ended.size + changes.incidents.size + changes.shelves.size > 0;
      if (isChanged || batches.length > 0) {
        const moved = new Map(batches.map(({ key, last }) => [key, last]));
        await saveTurn(redis, lease, ++turn, changes, moved, []);
        this.#lastFailure = '';
        cursors = new Map([...cursors, ...moved]);
        for (const { key, ids } of batches) if (ids.length > 0) await redis.xdel(key, ...ids);
      }
      if (cursors.size === 1) cursors = await this.#withStreams(cursors);
      if (performance.now() - forgottenAt > forgetEveryMs) {
        forgottenAt = performance.now();
        await forgetPast(redis, lease, now, retention);
      }
    }
  }

  async #take(desk: Desk, { entries }: StreamBatch, now: number): Promise<void> {
    const transitions = entries as readonly OutboxEntry[];
    // An alarm that is over and forgotten by the desk may be put out again by a command that was sent twice.
    const unknown = transitions
      .filter(({ alarm }) => desk.find(alarm.id) === undefined)
      .map(({ alarm }) => alarm.id);
    const past =
      unknown.length === 0 ? [] : await this.#parts.redis.hmget(redisKeys.deskPastAlarms, ...unknown);
    const known = new Set(unknown.filter((_, i) => past[i] !== null));
    for (const entry of transitions) if (!known.has(entry.alarm.id)) desk.take(entry, now);
  }

  /** The streams that there are, each from where it was taken. */
  async #withStreams(cursors: ReadonlyMap<string, string>): Promise<Map<string, string>> {
    const shards = await readShardCount(this.#parts.redis);
    const keys = Array.from({ length: shards }, (_, shard) => redisKeys.outbox(shard));
    return new Map([redisKeys.operatorActions, ...keys].map((key) => [key, cursors.get(key) ?? '0']));
  }

  /** What was taken and not deleted before a crash. */
  async #deleteTaken(cursors: ReadonlyMap<string, string>): Promise<void> {
    for (const [key, cursor] of cursors) {
      if (cursor === '0') continue;
      const left = await this.#parts.redis.xrange(key, '-', cursor, 'COUNT', 10_000);
      const taken = left
        .filter(([, fields]) => isJson(fields[fields.indexOf('t') + 1] ?? ''))
        .map(([id]) => id);
      if (taken.length > 0) await this.#parts.redis.xdel(key, ...taken);
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
