import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryListening } from '../supervisor/listening-port.js';
import { freePort } from './free-port.js';

/** The loopback ports of the private databases of one data folder. */
export interface StorePorts {
  readonly redis: number;
  readonly influx: number;
  /** InfluxDB 1.x opens it for backups. */
  readonly influxRpc: number;
}

/** The ports of the last start, so that addresses written down stay right; one that is taken is chosen anew. */
export async function choosePorts(folder: string): Promise<StorePorts> {
  const file = join(folder, 'ports.json');
  const kept = readKept(file);
  const ports: StorePorts = {
    redis: await keepOrChoose(kept.redis),
    influx: await keepOrChoose(kept.influx),
    influxRpc: await keepOrChoose(kept.influxRpc),
  };
  writeFileSync(file, JSON.stringify(ports), { mode: 0o600 });
  return ports;
}

async function keepOrChoose(kept: number | undefined): Promise<number> {
  if (kept !== undefined && (await tryListening('127.0.0.1', kept)) === 'free') return kept;
  return freePort();
}

function readKept(file: string): Partial<StorePorts> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<StorePorts>;
  } catch {
    // Not there yet, or damaged: any free ports do.
    return {};
  }
}
