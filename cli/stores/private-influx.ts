import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerCommand } from './private-redis.js';

/**
 * How a private InfluxDB 1.x is run: loopback only, its files under `folder` (which must exist), nothing
 * reported to anybody. Writes the configuration file.
 * @param ports two free ports: HTTP, and the backup service that InfluxDB insists on
 */
export async function privateInfluxCommand(
  binary: string,
  folder: string,
  ports: { http: number; rpc: number },
): Promise<ServerCommand> {
  const quoted = (...path: string[]) => JSON.stringify(join(folder, ...path));
  const configuration = `reporting-disabled = true
bind-address = "127.0.0.1:${ports.rpc}"
[meta]
  dir = ${quoted('meta')}
[data]
  dir = ${quoted('data')}
  wal-dir = ${quoted('wal')}
  index-version = "tsi1"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
  # One fsync for the writes of 20 ms: a confirmed point is still on disk before its 204.
  wal-fsync-delay = "20ms"
[http]
  bind-address = "127.0.0.1:${ports.http}"
  log-enabled = false
  write-tracing = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[logging]
  level = "warn"
`;
  const file = join(folder, 'influxdb.conf');
  await writeFile(file, configuration);
  return {
    command: binary,
    args: ['-config', file],
    env: { INFLUXDB_REPORTING_DISABLED: 'true' },
    url: `http://127.0.0.1:${ports.http}`,
  };
}
