import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What the ingest counts. */
export interface IngestMetrics {
  readonly written: Counter;
  readonly quarantined: Counter<'reason'>;
  readonly writeSeconds: Histogram;
  readonly writeLines: Counter;
  readonly evaluated: Counter;
  readonly transitions: Counter<'kind' | 'severity'>;
  readonly logEntries: Gauge<'shard'>;
  readonly logAge: Gauge<'shard' | 'follower'>;
}

export function createIngestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  return {
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
    evaluated: new Counter({
      name: 'pc_readings_evaluated_total',
      help: 'Readings given to the rules',
      registers,
    }),
    transitions: new Counter({
      name: 'pc_alarm_transitions_total',
      help: 'Alarm transitions the rules put out',
      labelNames: ['kind', 'severity'],
      registers,
    }),
    logEntries: new Gauge({
      name: 'pc_log_entries',
      help: 'Entries kept in the reading log',
      labelNames: ['shard'],
      registers,
    }),
    logAge: new Gauge({
      name: 'pc_log_age_seconds',
      help: 'Wall time since the oldest entry that the follower has not dealt with; 0 when it has dealt with all',
      labelNames: ['shard', 'follower'],
      registers,
    }),
  };
}
