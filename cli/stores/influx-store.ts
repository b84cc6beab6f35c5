import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AppError } from '../../runtime/app-error.js';
import type { ChildSpec, Readiness } from '../supervisor/supervised-child.js';
import { privateInflux2Command } from './private-influx2.js';
import { privateInfluxCommand } from './private-influx.js';
import type { StorePorts } from './store-ports.js';

/** It listens only when it has opened all its files, which for a year of a city takes minutes. */
async function askReadiness(url: string): Promise<Readiness> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return status === 204 ? 'ready' : 'waiting';
  } catch {
    return { loading: 'InfluxDB opens its files' };
  }
}

/** The private InfluxDB of a data folder, to be run by the supervisor. */
export interface PrivateInflux {
  readonly spec: ChildSpec;
  readonly url: string;
  /** The generation: 2.x needs `setUpInflux2` once it runs. */
  readonly major: 1 | 2;
}

/** @throws AppError `bad_influx` when the program is none that we know how to run */
export async function privateInflux(
  binary: string,
  folder: string,
  ports: StorePorts,
): Promise<PrivateInflux> {
  const { stdout } = spawnSync(binary, ['version'], { encoding: 'utf8' });
  const major = Number(/InfluxDB v?(\d+)\./.exec(stdout)?.[1]);
  if (major !== 1 && major !== 2) {
    throw new AppError(
      'bad_influx',
      `${binary} is no InfluxDB 1.x or 2.x ("${stdout.trim()}"): set INFLUX_URL instead.`,
    );
  }
  const files = join(folder, 'influx');
  const { command, args, env, url } =
    major === 1
      ? await privateInfluxCommand(binary, files, { http: ports.influx, rpc: ports.influxRpc })
      : privateInflux2Command(binary, files, ports.influx);
  const spec: ChildSpec = {
    name: 'influxdb',
    command,
    args,
    env: { ...process.env, ...env },
    logFile: join(folder, 'log', 'influxdb.log'),
    ready: () => askReadiness(`${url}/ping`),
  };
  return { spec, url, major };
}
