import type { RegistryChange } from '../devices/redis-registry-changes.js';
import type { Profile } from '../devices/profiles/profile.js';
import type { Clock } from '../runtime/clock.js';
import type { Redis } from '../runtime/redis-connection.js';
import type { Register } from './redis-register.js';
import type { CommandHistory } from './command-settlement.js';
import type { Follower, IngestMetrics, ShardProgress } from './ingest-metrics.js';
import { ShardJudge } from './judge.js';
import type { PresenceTimes } from './judge.js';
import { compareIds, logStart } from './log/log.js';
import type { LogRecord } from './log/frame.js';
import type { LogReader } from './log/log.js';
import type { ShardLease } from './log/redis-shard-leases.js';
import type { QuarantineSize } from './quarantine/retention.js';
import type { RuleSets } from './rules/rule-source.js';
import { ShardWindow } from './shard-window.js';
import type { Sink } from './sinks/influx-sink.js';
import type { DeviceTagBook } from './sinks/redis-device-tags.js';
import { createDecoder } from './stages/decode.js';
import type { TimeLimits } from './stages/decode.js';
import type { StopSignals } from './stop-signals.js';
import { ShardStore } from './store.js';
import { ShardTwins } from './twins.js';

export interface PipelineParts {
  readonly redis: Redis;
  readonly reader: LogReader;
  readonly tags: DeviceTagBook;
  readonly sink: Sink;
  readonly metrics: IngestMetrics;
  /** Of timetables, and of where days begin. */
  readonly timeZone: string;
  readonly ruleSets: RuleSets;
  readonly register: Register;
  readonly presenceTimes: PresenceTimes;
  /** Shards of the log. */
  readonly shards: number;
  readonly batchLines: number;
  /** How much the quarantine of one shard may hold. */
  readonly quarantine: QuarantineSize;
  readonly limits: TimeLimits;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly history: CommandHistory;
  readonly clock: Clock;
  /** Puts a record into the log; resolves when it is on disk. */
  readonly append: (shard: number, record: LogRecord) => Promise<void>;
  /** Calls it with every change to the registry, until the function that it returns is called. */
  readonly onRegistryChange: (changed: (changes: readonly RegistryChange[]) => void) => () => void;
  /** Filled with the progress of each shard that is followed. */
  readonly progress: Map<number, ShardProgress>;
}

/**
 * The way of a reading through one shard:
 *
 *   reading log ─▶ decode ─▶ window ─┬─▶ store: ledger ─▶ lines ─▶ InfluxDB ─▶ checkpoint ─┐
 *                (topic, JSON,       ├─▶ judge: rules ─▶ alarm + outbox ─────▶ checkpoint ─┼─▶ trim
 *                 metrics, time)     └─▶ twins: reported state, commands ────▶ checkpoint ─┘
 *
 * The followers have a cursor each, so that alarms and commands go on while InfluxDB is away; the log is
 * trimmed behind the slowest one. Ends when it is told to, or when the shard has another owner.
 */
export async function followShard(
  parts: PipelineParts,
  lease: ShardLease,
  stop: StopSignals,
  onProgress: () => void,
): Promise<void> {
  const { reader } = parts;
  const { shard } = lease;
  // Whichever follower fails ends the other: both begin again from their checkpoints.
  const failed = new AbortController();
  const signals = { drain: stop.drain, abort: AbortSignal.any([stop.abort, lease.lost, failed.signal]) };
  const window = new ShardWindow(reader, shard, createDecoder(parts.limits, parts.profiles));
  const done: Record<Follower, string> = { store: logStart, judge: logStart, twins: logStart };
  const checkpointed = (follower: Follower) => async (cursor: string) => {
    done[follower] = cursor;
    const [behind = logStart] = Object.values(done).sort(compareIds);
    if (behind === logStart) return;
    onProgress();
    await reader.trimThrough(lease, behind);
  };
  const follow = (follower: Follower) => ({ window: window.join(), onCheckpoint: checkpointed(follower) });
  const store = await ShardStore.load({ ...parts, lease, ...follow('store') });
  const judge = await ShardJudge.load({ ...parts, lease, ...follow('judge') });
  const twins = await ShardTwins.load({ ...parts, lease, ...follow('twins') });
  const followers = { store, judge, twins };
  const unfollow = parts.onRegistryChange((changes) => twins.registryChanged(changes));
  parts.progress.set(shard, {
    entries: () => reader.count(shard),
    quarantine: () => store.held,
    ageSeconds: (follower) => {
      const since = followers[follower].waitingSince;
      return since === undefined ? 0 : Math.max(0, (Date.now() - since) / 1000);
    },
    countPresences: (count) => judge.countPresences(count),
  });
  const guard = (run: Promise<void>) =>
    run.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  const runs = Object.values(followers).map((follower) => guard(follower.run(signals)));
  const outcomes = await Promise.allSettled(runs);
  unfollow();
  parts.progress.delete(shard);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
