import { join, resolve } from 'node:path';
import { AppError } from '../runtime/app-error.js';
import { displayValue } from '../runtime/settings.js';
import type { Settings } from '../runtime/settings.js';
import { givenFlags, readSettings } from './settings-flags.js';
import { isRunning, readRunRecord } from './supervisor/run-record.js';
import type { RunRecord } from './supervisor/run-record.js';
import { shortPath } from './terminal/table.js';

/** The data folder of the demo, apart from a real one. */
export const demoDataFolder = join('var', 'demo');

/** Whether verbs find a pipeline on this data folder when it is not named. */
export function isFoundWithoutFolder(folder: string): boolean {
  return ['var', demoDataFolder].some((known) => resolve(known) === folder);
}

/** A pipeline that a verb talks to. */
export interface Instance {
  readonly settings: Settings;
  readonly redisUrl: string;
  /** Absent when only REDIS_URL led us there. */
  readonly record?: RunRecord | undefined;
  /** The data folder that `record` is in. */
  readonly folder?: string | undefined;
}

/** The pipeline that runs on DATA_DIR, else (when DATA_DIR isn't given) the demo. */
function findRunning(settings: Settings, options: Readonly<Record<string, unknown>>) {
  const isFolderGiven = (givenFlags(options).DATA_DIR ?? process.env.DATA_DIR ?? '') !== '';
  const folders = isFolderGiven ? [settings.DATA_DIR] : [settings.DATA_DIR, resolve(demoDataFolder)];
  const running = folders
    .map((folder) => ({ folder, record: readRunRecord(folder) }))
    .find(({ record: found }) => found !== undefined && isRunning(found));
  return { folders, running };
}

/** What the pipeline that a verb would find was started with, where one runs on this machine. */
export function findRunningSettings(
  options: Readonly<Record<string, unknown>>,
): { readonly folder: string; readonly settings: NonNullable<RunRecord['settings']> } | undefined {
  const { running } = findRunning(readSettings(options), options);
  const started = running?.record?.settings;
  return running && started && { folder: running.folder, settings: started };
}

/**
 * Finds the running pipeline: REDIS_URL, else the one that runs on DATA_DIR, else (when DATA_DIR isn't
 * given) the demo.
 * @throws AppError `not_running`
 */
export function findInstance(options: Readonly<Record<string, unknown>>): Instance {
  const settings = readSettings(options);
  const { folders, running } = findRunning(settings, options);
  const record = running?.record;
  if (settings.REDIS_URL !== undefined) {
    const isSame = record?.redis === settings.REDIS_URL;
    return { settings, redisUrl: settings.REDIS_URL, ...(isSame ? running : {}) };
  }
  if (record === undefined) {
    throw new AppError(
      'not_running',
      `No pipeline runs on ${folders.map((folder) => shortPath(folder)).join(' or ')}: ` +
        'start one with "campus up", or name its folder with --data-dir.',
    );
  }
  if (record.redis === undefined) {
    throw new AppError('not_running', 'The pipeline is still starting: try again in a moment.', {
      retryable: true,
    });
  }
  return { settings, redisUrl: record.redis, ...running };
}

/** The running pipeline, for verbs that can do without: undefined where none runs. */
export function findInstanceIfAny(options: Readonly<Record<string, unknown>>): Instance | undefined {
  try {
    return findInstance(options);
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_running') return undefined;
    throw error;
  }
}

/** An address without its password, as it may be shown and as paths are appended to. */
export function displayUrl(url: string): string {
  return displayValue('REDIS_URL', url).replace(/\/$/, '');
}

/**
 * Where a client on this machine connects: a broker that listens on all addresses is reached on loopback.
 * @throws AppError `no_plain_mqtt` when plain MQTT is switched off
 */
export function mqttUrl(plain: { readonly host: string; readonly port: number } | null): string {
  if (plain === null) {
    throw new AppError(
      'no_plain_mqtt',
      'This verb connects over plain MQTT, which is switched off: set MQTT_PORT (MQTT_HOST=127.0.0.1 keeps it on this machine).',
    );
  }
  const { host, port } = plain;
  if (host === '0.0.0.0') return `mqtt://127.0.0.1:${port}`;
  if (host === '::') return `mqtt://[::1]:${port}`;
  return `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
