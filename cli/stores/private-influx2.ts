import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../runtime/app-error.js';
import type { ServerCommand } from './private-redis.js';

/** How we log in to a private InfluxDB 2.x; made at its first start and kept in its folder. */
export interface InfluxSecrets {
  readonly username: string;
  readonly password: string;
  readonly token: string;
  readonly org: string;
}

/** How a private InfluxDB 2.x is run: loopback only, its files under `folder`, nothing reported. */
export function privateInflux2Command(binary: string, folder: string, port: number): ServerCommand {
  return {
    command: binary,
    args: [
      `--bolt-path=${join(folder, 'influxd.bolt')}`,
      `--sqlite-path=${join(folder, 'influxd.sqlite')}`,
      `--engine-path=${join(folder, 'engine')}`,
      `--http-bind-address=127.0.0.1:${port}`,
      '--reporting-disabled',
      '--log-level=warn',
    ],
    env: {},
    url: `http://127.0.0.1:${port}`,
  };
}

/**
 * Sets a fresh InfluxDB 2.x up with generated secrets; one that was set up by us before is left as it is.
 * @throws AppError `influx_setup`
 */
export async function setUpInflux2(url: string, folder: string, bucket: string): Promise<InfluxSecrets> {
  const file = join(folder, 'secrets.json');
  const status = (await (await fetch(`${url}/api/v2/setup`)).json()) as { allowed?: boolean };
  const kept = readKept(file);
  if (status.allowed !== true) {
    if (kept) return kept;
    throw new AppError(
      'influx_setup',
      `InfluxDB's files in ${folder} were set up by somebody else: remove the folder.`,
    );
  }
  const secrets: InfluxSecrets = kept ?? {
    username: 'campus',
    password: randomBytes(24).toString('base64url'),
    token: randomBytes(32).toString('base64url'),
    org: 'campus',
  };
  // On record first: a set-up whose secrets are lost could never be used again.
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  const answer = await fetch(`${url}/api/v2/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...secrets, bucket }),
  });
  if (!answer.ok) {
    throw new AppError(
      'influx_setup',
      `InfluxDB at ${url} refused its set-up: ${answer.status} ${await answer.text()}`,
    );
  }
  return secrets;
}

function readKept(file: string): InfluxSecrets | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as InfluxSecrets;
  } catch {
    return undefined;
  }
}
