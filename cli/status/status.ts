import type { LedgerTotals } from '../../ingest/ledger/redis-ledger.js';
import type { InfluxKind } from '../../runtime/influx-connection.js';

/** What `campus status --json` prints. A part that can't be asked is null, and `trouble` says why. */
export interface Status {
  /** Plain MQTT; null when it is switched off. */
  readonly mqtt: { readonly host: string; readonly port: number } | null;
  /** Every address devices can connect to, as URLs. */
  readonly listeners: readonly string[];
  readonly http: string;
  readonly influx: {
    readonly url: string | null;
    readonly database: string;
    readonly version: string | null;
    readonly kind: InfluxKind | null;
  };
  readonly redis: string;
  /** Null when only Redis was named. */
  readonly dataFolder: string | null;
  readonly processes: readonly ProcessStatus[];
  readonly ledger: LedgerTotals | null;
  /** Since each broker started, of those that run: refused CONNECTs and filters by reason; null when unknown. */
  readonly refusals: Readonly<Record<string, number>> | null;
  /** When the first of those brokers started, wall time; null when none runs. */
  readonly refusalsSince: string | null;
  readonly alarms: { readonly active: number; readonly cleared: number } | null;
  /** Sites with devices and no timetable, by id: rules about lessons can't judge them; null when unknown. */
  readonly sitesWithoutTimetable: readonly string[] | null;
  readonly clock: { readonly kind: 'wall' | 'simulated' | null; readonly now: string | null };
  /** One sentence for each part that doesn't do its work; empty when all is well. */
  readonly trouble: readonly string[];
}

/** One process of the pipeline. */
export interface ProcessStatus {
  readonly role: string;
  readonly pid: number;
  /** False while it starts. */
  readonly ready: boolean;
  readonly restarts: number;
  readonly uptimeSeconds: number;
}
