import { setTimeout as sleep } from 'node:timers/promises';
import { loadProfiles } from '../devices/profiles/load-profiles.js';
import type { RegistryChange } from '../devices/redis-registry-changes.js';
import { RegistryFeed } from '../devices/redis-registry-feed.js';
import { messageOf } from '../runtime/app-error.js';
import { openInflux } from '../runtime/influx-connection.js';
import { connectRedis } from '../runtime/redis-connection.js';
import { startRoleReport } from '../runtime/redis-role-report.js';
import type { Clock } from '../runtime/clock.js';
import type { RoleContext } from '../runtime/role.js';
import { ruleFolders } from '../runtime/rules-folder.js';
import type { PresenceTimes } from './judge.js';
import { createIngestMetrics } from './ingest-metrics.js';
import type { ShardProgress } from './ingest-metrics.js';
import { Register } from './redis-register.js';
import type { LogRecord } from './log/frame.js';
import { appendDurably } from './log/log.js';
import { RedisLogReader } from './log/redis-log-reader.js';
import { RedisLogWriter } from './log/redis-log-writer.js';
import { ShardLeases } from './log/redis-shard-leases.js';
import type { ShardLease } from './log/redis-shard-leases.js';
import { settleShards } from './log/redis-shards.js';
import { followShard } from './pipeline.js';
import { GroupedSink } from './sinks/grouped-sink.js';
import { RuleSource } from './rules/rule-source.js';
import { describeFullness, shareOfShard } from './quarantine/retention.js';
import { InfluxSink } from './sinks/influx-sink.js';
import { DeviceTagBook } from './sinks/redis-device-tags.js';

/** How long a stop may go on with what is still in the log (InfluxDB may be away). */
const drainMs = 8000;
const retryMs = 1000;
const appendTimeoutMs = 10_000;
/** Written more often, a point costs InfluxDB more; nobody watches a classroom faster. */
const writeLingerMs = 200;
/** Bridges say at least that often that they live (broker/bridge-beat.ts). */
const bridgeBeatS = 10;

/**
 * Starts the ingest: every shard of the log that no other ingest follows is followed into InfluxDB (store) and through the rules (judge).
 * A follower that fails begins again from its checkpoint.
 * @throws the problems of rule files and profiles; AppError `wrong_shards`
 */
export async function startIngest(context: RoleContext): Promise<void> {
  const { settings, log, lifeCycle } = context;
  const profiles = await loadProfiles(settings.PROFILES_DIR);
  const redis = connectRedis(context.redisUrl, log);
  lifeCycle.onStop('redis', () => redis.disconnect());
  const shards = await settleShards(redis, settings.LOG_SHARDS);
  const rules = await RuleSource.open(ruleFolders(settings), redis, log);
  lifeCycle.onStop('rules', () => rules.stop());
  const register = await Register.load(redis, log);
  lifeCycle.onStop('registry', () => register.stop());
  const writing = connectRedis(context.redisUrl, log, { commandTimeout: appendTimeoutMs });
  lifeCycle.onStop('redis', () => writing.disconnect());
  const writer = new RedisLogWriter(writing);
  const progress = new Map<number, ShardProgress>();
  const metrics = createIngestMetrics(context.metrics, progress);
  const influxOptions = {
    url: context.influxUrl,
    token: settings.INFLUX_TOKEN,
    org: settings.INFLUX_ORG,
    bucket: settings.INFLUX_BUCKET,
  };
  const influx = new InfluxSink(
    () => openInflux(influxOptions),
    log,
    (lines, ms) => {
      metrics.writeLines.inc(lines);
      metrics.writeSeconds.observe(ms / 1000);
    },
  );
  const sink = new GroupedSink(influx, {
    mostLines: settings.INFLUX_BATCH_LINES,
    lingerMs: writeLingerMs,
    concurrency: 2,
  });
  const drain = new AbortController();
  const abort = new AbortController();
  const signals = { drain: drain.signal, abort: abort.signal };
  const quarantine = shareOfShard(
    { items: settings.QUARANTINE_COUNT, bytes: settings.QUARANTINE_BYTES },
    shards,
  );
  const watchers = new Set<(changes: readonly RegistryChange[]) => void>();
  watchers.add((changes) => rules.changed(changes));
  watchers.add((changes) => register.changed(changes));
  const feed = new RegistryFeed(context.redisUrl, log, (changes) => {
    for (const changed of watchers) changed(changes);
  });
  lifeCycle.onStop('registry feed', () => feed.stop());
  const parts = {
    redis,
    onRegistryChange: (changed: (changes: readonly RegistryChange[]) => void) => {
      watchers.add(changed);
      // What changed while nobody followed the shard.
      changed([{ kind: 'everything' }]);
      return () => watchers.delete(changed);
    },
    reader: new RedisLogReader(redis),
    tags: new DeviceTagBook(redis),
    sink,
    metrics,
    progress,
    clock: context.clock,
    timeZone: settings.TIMEZONE,
    ruleSets: rules,
    append: (shard: number, record: LogRecord) => appendDurably(writer, shard, record),
    register,
    shards,
    presenceTimes: presenceTimes(settings.RECONNECT_GRACE_S, context.clock),
    profiles,
    batchLines: settings.INFLUX_BATCH_LINES,
    quarantine,
    history: {
      keepMs: settings.COMMAND_HISTORY_DAYS * 86_400_000,
      most: settings.COMMAND_HISTORY_COUNT,
    },
    limits: {
      latenessMs: settings.LATENESS_LIMIT_S * 1000,
      futureMs: settings.FUTURE_LIMIT_S * 1000,
      maxAgeMs: settings.MAX_AGE_DAYS * 86_400_000,
    },
  };
  /** Why a shard is not followed just now, by shard. */
  const failures = new Map<number, string>();
  const leases = new ShardLeases(redis, log);
  lifeCycle.onStop('leases', () => leases.stop());
  const follow = async (shard: number) => {
    let lease: ShardLease | undefined;
    while (!drain.signal.aborted) {
      try {
        if (lease?.lost.aborted !== false) lease = await leases.acquire(shard, drain.signal);
        if (lease === undefined) return;
        await followShard(parts, lease, signals, () => failures.delete(shard));
      } catch (error) {
        if (abort.signal.aborted) break;
        failures.set(shard, `shard ${shard}: ${messageOf(error)}`);
        log.error(
          { err: error, shard },
          `following the log failed, beginning again from the checkpoint: ${messageOf(error)}`,
        );
        await sleep(retryMs);
      }
      if (lease?.lost.aborted === true) {
        failures.delete(shard);
        log.warn(`shard ${shard} was taken over by another ingest; standing by`);
      }
    }
    if (lease !== undefined) await leases.release(lease);
  };
  const followers = Array.from({ length: shards }, (_, shard) => follow(shard));
  lifeCycle.onStop('shards', async () => {
    drain.abort();
    const timer = setTimeout(() => abort.abort(), drainMs);
    await Promise.all(followers);
    clearTimeout(timer);
  });
  startRoleReport(
    context,
    'ingest',
    () => [...failures.values(), sink.trouble].find((why) => why !== undefined),
    {
      note: () => leases.waiting,
      warning: () => {
        const held = [...progress].map(([shard, each]) => [shard, each.quarantine()] as const);
        const warnings = [rules.warning, describeFullness(new Map(held), quarantine)];
        return warnings.filter((each) => each !== undefined).join(' ') || undefined;
      },
    },
  );
  log.info(`following ${shards} shards with ${rules.current.rules.length} rules`);
}

/**
 * Reporting intervals are pipeline time, and so is what a device may be silent. How soon devices are back after an
 * outage of ours, and how often bridges say that they live, goes by the wall clock.
 */
function presenceTimes(graceS: number, clock: Clock): PresenceTimes {
  const speed = 1 / clock.wallMs(1);
  return {
    door: { graceMs: graceS * 1000, openedGraceMs: graceS * 1000 * speed },
    bridgeIntervalS: bridgeBeatS * speed,
  };
}
