import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockSpec } from '../../runtime/clock.js';
import type { SettingName } from '../../runtime/settings.js';
import { processIdentity } from '../../runtime/process-identity.js';

/** A child of the supervisor, as shown by `campus status`. */
export interface ProcessRecord {
  /** A role, `redis` or `influxdb`. */
  readonly role: string;
  readonly pid: number;
  readonly restarts: number;
  /** Wall time, epoch ms. */
  readonly startedAt: number;
  /** Whether it does its work by now: it listens, reads, answers. */
  readonly ready: boolean;
  /** See `processIdentity`. */
  readonly identity?: string | undefined;
}

/** How an InfluxDB is reached. */
export interface InfluxAddress {
  readonly url: string;
  readonly database: string;
  readonly token?: string | undefined;
  readonly org?: string | undefined;
}

/** What the supervisor of a data folder tells other commands, kept in its `run.json`. It holds secrets. */
export interface RunRecord {
  readonly pid: number;
  readonly identity?: string | undefined;
  readonly clock: ClockSpec['kind'];
  /** Plain MQTT; null when it is switched off. */
  readonly mqtt: { readonly host: string; readonly port: number } | null;
  /** All addresses of the broker, as URLs. */
  readonly listeners: readonly string[];
  readonly http: string;
  /** What it was started with, as `campus config` shows it: without secrets. */
  readonly settings?: Readonly<Partial<Record<SettingName, string>>> | undefined;
  /** Absent until they are there. */
  readonly redis?: string | undefined;
  readonly influx?: InfluxAddress | undefined;
  readonly processes: readonly ProcessRecord[];
}

/** Written at once (synchronously), so that a child is on record before anything can happen to us. */
export function writeRunRecord(folder: string, record: RunRecord): void {
  const file = fileIn(folder);
  writeFileSync(`${file}.new`, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The record of the last supervisor, which may be gone; undefined when it ended in order. */
export function readRunRecord(folder: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(folder), 'utf8')) as RunRecord;
  } catch (error) {
    if (
      error instanceof SyntaxError ||
      ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    ) {
      return undefined;
    }
    throw error;
  }
}

export function removeRunRecord(folder: string): void {
  rmSync(fileIn(folder), { force: true });
}

/** Whether the process with this record is still the one that was recorded. */
export function isRunning(process: {
  readonly pid: number;
  readonly identity?: string | undefined;
}): boolean {
  const current = processIdentity(process.pid);
  return current !== undefined && current === process.identity;
}

function fileIn(folder: string): string {
  return join(folder, 'run.json');
}
