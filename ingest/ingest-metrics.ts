import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { presenceStates } from '../devices/presence.js';
import type { PresenceState } from '../devices/presence.js';
import type { QuarantineSize } from './quarantine/retention.js';

/** Who follows a shard of the log, each with a cursor of its own. */
export const followers = ['store', 'judge', 'twins'] as const;
export type Follower = (typeof followers)[number];

/** Names come from vendors: there could be any number. */
const mostIgnoredNames = 500;

/** How far a shard's followers are, asked at each scrape. */
export interface ShardProgress {
  /** Entries kept in the shard's log. */
  entries(): Promise<number>;
  /** Wall seconds since the oldest entry the follower has not dealt with; 0 when it has dealt with all. */
  ageSeconds(follower: Follower): number;
  /** What the shard's quarantine holds. */
  quarantine(): QuarantineSize;
  /** Tells the presence of every registered device of the shard. */
  countPresences(count: (state: PresenceState) => void): void;
}

/** What the ingest counts. */
export interface IngestMetrics {
  readonly written: Counter;
  readonly quarantined: Counter<'reason'>;
  readonly expired: Counter<'reason'>;
  /** Messages in which, their profile says, there is nothing for us. */
  readonly nothing: Counter<'profile'>;
  /** Values that a profile has no metric for. */
  readonly countIgnored: (profile: string, names: readonly string[]) => void;
  readonly writeSeconds: Histogram;
  readonly writeLines: Counter;
  readonly storedSeconds: Histogram;
  /** Readings given to the rules: a plain number, counted with every reading. */
  evaluated: number;
  readonly transitions: Counter<'kind' | 'severity' | 'shadow'>;
  readonly commands: Counter<'state'>;
}

/** @param shards the shards' progress; read at each scrape, so it may still be empty */
export function createIngestMetrics(
  registry: Registry,
  shards: ReadonlyMap<number, ShardProgress>,
): IngestMetrics {
  const registers = [registry];
  new Gauge({
    name: 'pc_log_entries',
    help: 'Entries kept in the reading log',
    labelNames: ['shard'],
    registers,
    async collect() {
      for (const [shard, progress] of shards) this.set({ shard }, await progress.entries());
    },
  });
  new Gauge({
    name: 'pc_log_age_seconds',
    help: 'Wall time since the oldest entry that the follower has not dealt with; 0 when it has dealt with all',
    labelNames: ['shard', 'follower'],
    registers,
    collect() {
      for (const [shard, progress] of shards) {
        for (const follower of followers) this.set({ shard, follower }, progress.ageSeconds(follower));
      }
    },
  });
  new Gauge({
    name: 'pc_quarantine_items',
    help: 'Entries of the quarantine',
    labelNames: ['shard'],
    registers,
    collect() {
      for (const [shard, progress] of shards) this.set({ shard }, progress.quarantine().items);
    },
  });
  new Gauge({
    name: 'pc_quarantine_bytes',
    help: 'Bytes in quarantine',
    labelNames: ['shard'],
    registers,
    collect() {
      for (const [shard, progress] of shards) this.set({ shard }, progress.quarantine().bytes);
    },
  });
  new Gauge({
    name: 'pc_devices',
    help: 'Registered devices by presence',
    labelNames: ['presence'],
    registers,
    collect() {
      for (const presence of presenceStates) this.set({ presence }, 0);
      for (const progress of shards.values()) progress.countPresences((presence) => this.inc({ presence }));
    },
  });
  new Counter({
    name: 'pc_readings_evaluated_total',
    help: 'Readings given to the rules',
    registers,
    collect() {
      this.reset();
      this.inc(metrics.evaluated);
    },
  });
  const ignored = new Counter({
    name: 'pc_profile_ignored_values_total',
    help: 'Values of vendors that are not stored because there is no metric for them',
    labelNames: ['profile', 'name'],
    registers,
  });
  const ignoredNames = new Set<string>();
  const metrics: IngestMetrics = {
    nothing: new Counter({
      name: 'pc_profile_nothing_total',
      help: 'Messages in which, their profile says, there is nothing to store',
      labelNames: ['profile'],
      registers,
    }),
    countIgnored: (profile, names) => {
      for (const name of names) {
        const key = `${profile} ${name}`;
        if (ignoredNames.size < mostIgnoredNames) ignoredNames.add(key);
        ignored.inc({ profile, name: ignoredNames.has(key) ? name : 'other' });
      }
    },
    written: new Counter({
      name: 'pc_readings_written_total',
      help: 'Lines confirmed by InfluxDB',
      registers,
    }),
    quarantined: new Counter({
      name: 'pc_quarantined_total',
      help: 'Messages and readings quarantined since this process started',
      labelNames: ['reason'],
      registers,
    }),
    expired: new Counter({
      name: 'pc_quarantine_expired_total',
      help: 'Messages and readings that left the quarantine because newer ones needed the room, since this process started',
      labelNames: ['reason'],
      registers,
    }),
    writeSeconds: new Histogram({
      name: 'pc_influx_write_seconds',
      help: 'Duration of one confirmed write to InfluxDB',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    writeLines: new Counter({
      name: 'pc_influx_lines_total',
      help: 'Lines sent in confirmed writes',
      registers,
    }),
    storedSeconds: new Histogram({
      name: 'pc_stored_seconds',
      help: 'Wall time from arrival at the broker to confirmation by InfluxDB, one sample an entry of the log',
      buckets: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 30, 60, 300, 3600],
      registers,
    }),
    evaluated: 0,
    transitions: new Counter({
      name: 'pc_alarm_transitions_total',
      help: 'Alarm transitions the rules put out; shadow is true for rules that are only tried out',
      labelNames: ['kind', 'severity', 'shadow'],
      registers,
    }),
    commands: new Counter({
      name: 'pc_commands_finished_total',
      help: 'Commands that this process closed: done, failed or expired',
      labelNames: ['state'],
      registers,
    }),
  };
  return metrics;
}
