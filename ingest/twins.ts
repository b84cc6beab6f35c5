import { usernameOf } from '../devices/account.js';
import type { Device } from '../devices/device.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import { shardOf } from '../devices/site.js';
import { redisKeys } from '../runtime/redis-keys.js';
import { readShardCount } from '../runtime/redis-shard-count.js';
import { forgetFinished } from '../devices/redis-commands.js';
import { readRemovals } from '../devices/redis-registry.js';
import { isReportedBy, takeNotice, takeReading } from '../devices/twin.js';
import type { ReportedState } from '../devices/twin.js';
import type { Redis } from '../runtime/redis-connection.js';
import { CommandSettlement } from './command-settlement.js';
import type { CommandHistory } from './command-settlement.js';
import type { IngestMetrics } from './ingest-metrics.js';
import { parseBridge } from './log/bridge-name.js';
import { entryTime } from './log/log.js';
import type { ShardFence } from './log/log.js';
import { RedisShardCommands } from './redis-shard-commands.js';
import { forgetTwins, loadTwinState, saveTwinState } from './redis-twin-checkpoint.js';
import type { TwinState } from './redis-twin-checkpoint.js';
import type { DecodedEntry, WindowReader } from './shard-window.js';
import type { Decoded, DecodedNotice } from './stages/decoded.js';
import type { StopSignals } from './stop-signals.js';

const checkpointMs = 1000;
/** Of many devices each reports often: written less often, a device is written once for several readings. */
const fewDevices = 200;
const manyCheckpointMs = 5000;
const waitMs = 250;
/** Looked up in the registry at once. */
const mostAsked = 1000;
const forgetEveryTicks = 60;

export interface TwinParts {
  readonly redis: Redis;
  readonly lease: ShardFence;
  readonly window: WindowReader;
  readonly metrics: IngestMetrics;
  readonly history: CommandHistory;
  /** Told after every checkpoint up to where the twins no longer need the log. */
  readonly onCheckpoint: (cursor: string) => Promise<void>;
}

/**
 * Follows one shard of the log for the twins of its devices: keeps what they last reported, and settles their
 * commands against it. What is in memory beyond the last checkpoint is done again after a crash, with the same
 * result; so is what an ingest does that has lost the shard and doesn't know yet.
 */
export class ShardTwins {
  readonly #parts: TwinParts;
  readonly #settlement: CommandSettlement;
  readonly #devices: Map<string, ReportedState>;
  #changed = new Set<string>();
  /** Those that may no longer be devices of this shard, or other ones than those that reported. */
  #doubtful = new Set<string>();
  #cursor: string;
  #saved: string;
  #ticks = 0;
  #checkpointAt = performance.now();
  /** Log time (Redis' wall clock, epoch ms) of the oldest entry at hand; undefined when there is none. */
  waitingSince: number | undefined;

  private constructor(parts: TwinParts, state: TwinState, settlement: CommandSettlement) {
    this.#parts = parts;
    this.#settlement = settlement;
    this.#devices = state.devices;
    this.#cursor = state.cursor;
    this.#saved = state.cursor;
  }

  static async load(parts: TwinParts): Promise<ShardTwins> {
    const { shard } = parts.lease;
    const state = await loadTwinState(parts.redis, shard);
    const commands = new RedisShardCommands(parts.redis, shard, parts.metrics);
    return new ShardTwins(parts, state, await CommandSettlement.load(commands, state.cursor));
  }

  /** To be told of all changes to the registry: of a device that is no longer here, nothing is kept. */
  registryChanged(changes: readonly RegistryChange[]): void {
    for (const change of changes) {
      if (change.kind === 'everything') for (const id of this.#devices.keys()) this.#doubtful.add(id);
      else if (change.kind === 'device' && this.#devices.has(change.id)) this.#doubtful.add(change.id);
    }
  }

  /** Until told to stop: with `drain`, at the end of the log; with `abort`, at once. */
  async run(signals: StopSignals): Promise<void> {
    while (!signals.abort.aborted) {
      const entries = await this.#parts.window.after(this.#cursor, waitMs, signals.drain);
      if (entries.length === 0 && signals.drain.aborted) break;
      await this.#forgetAbsent();
      this.waitingSince = entries[0] === undefined ? undefined : entryTime(entries[0].id);
      for (const entry of entries) await this.#take(entry);
      const everyMs = this.#changed.size > fewDevices ? manyCheckpointMs : checkpointMs;
      if (performance.now() - this.#checkpointAt >= everyMs) await this.#checkpoint();
    }
    if (!signals.abort.aborted) await this.#checkpoint();
  }

  async #take({ id, decoded: all }: DecodedEntry): Promise<void> {
    for (const decoded of all) {
      const work = this.#takeOne(decoded, id);
      if (work !== undefined) await work;
    }
    this.#cursor = id;
  }

  /** Waits for Redis only where a command is concerned. */
  #takeOne(decoded: Decoded, entry: string): Promise<void> | undefined {
    switch (decoded.kind) {
      case 'reading': {
        const { device } = decoded.topic;
        const { arrivedAt } = decoded.source.message;
        const reported = takeReading(this.#reportedBy(device), decoded.reading, arrivedAt);
        return this.#keep(device, reported, arrivedAt);
      }
      case 'notice':
        return this.#takeNotice(decoded, entry);
      case 'tick':
        return this.#tick(decoded.arrivedAt);
      case 'nothing':
      case 'opened':
      case 'presence':
      case 'tally':
      case 'rejection':
        return undefined;
    }
  }

  #takeNotice({ notice, topic, source }: DecodedNotice, entry: string): Promise<void> | undefined {
    if (notice.stream === 'event') return undefined;
    const { device } = topic;
    const { arrivedAt, replayed, via } = source.message;
    const reported = this.#reportedBy(device);
    if (notice.stream === 'ack') {
      const by = via === undefined ? undefined : parseBridge(via);
      const through = by?.kind === 'account' ? usernameOf(by.name) : undefined;
      return this.#settlement.answered(device, notice, { at: arrivedAt, entry, through }, reported);
    }
    // What comes out of the quarantine was true once; what was said since counts.
    if (replayed === true && reported[notice.stream] !== undefined) return undefined;
    const said = takeNotice(reported, notice.stream, { at: arrivedAt, body: notice.body });
    return this.#keep(device, said, arrivedAt);
  }

  #reportedBy(device: string): ReportedState {
    return this.#devices.get(device) ?? {};
  }

  #keep(device: string, reported: ReportedState, at: number): Promise<void> | undefined {
    if (reported.removals === undefined) this.#doubtful.add(device);
    this.#devices.set(device, reported);
    this.#changed.add(device);
    return this.#settlement.awaits(device) ? this.#settlement.reported(device, at, reported) : undefined;
  }

  async #tick(at: number): Promise<void> {
    await this.#settlement.time(at);
    // The commands of all shards are kept together: one of them looks after that.
    if (this.#parts.lease.shard !== 0 || this.#ticks++ % forgetEveryTicks !== 0) return;
    const { redis, history } = this.#parts;
    const { keepMs, most } = history;
    await forgetFinished(redis, { finishedBefore: at - keepMs, most });
  }

  /** Of those in doubt, keeps the present devices of the shard, each with what tells it from the next of its id. */
  async #forgetAbsent(): Promise<void> {
    const { redis, lease } = this.#parts;
    while (this.#doubtful.size > 0) {
      const ids = [...this.#doubtful].slice(0, mostAsked);
      for (const id of ids) this.#doubtful.delete(id);
      const [shards, rows, removals] = await Promise.all([
        readShardCount(redis),
        redis.hmget(redisKeys.devices, ...ids),
        readRemovals(redis, ids),
      ]);
      const gone = ids.filter((id, i) => {
        const json = rows[i];
        const isHere =
          typeof json === 'string' && shardOf((JSON.parse(json) as Device).site, shards) === lease.shard;
        return !isHere || !this.#isStill(id, removals[i] ?? 0);
      });
      if (gone.length === 0) continue;
      for (const id of gone) {
        this.#devices.delete(id);
        this.#changed.delete(id);
      }
      await forgetTwins(redis, lease, gone);
    }
  }

  /** Whether the device reported what is kept under its id; from then on it is known to be its own. */
  #isStill(id: string, removals: number): boolean {
    const reported = this.#devices.get(id);
    if (reported === undefined) return false;
    if (reported.removals !== undefined) return isReportedBy(removals, reported);
    this.#devices.set(id, { ...reported, removals });
    this.#changed.add(id);
    return true;
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointAt = performance.now();
    if (this.#cursor === this.#saved) return;
    await this.#forgetAbsent();
    const changed = [...this.#changed].map((device) => [device, this.#reportedBy(device)] as const);
    await saveTwinState(this.#parts.redis, this.#parts.lease, this.#cursor, changed);
    this.#changed = new Set();
    this.#saved = this.#cursor;
    await this.#parts.onCheckpoint(this.#cursor);
  }
}
