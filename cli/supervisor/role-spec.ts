import { join } from 'node:path';
import { brokerSettings } from '../../runtime/mqtt-addresses.js';
import { projectRoot } from '../../runtime/project-root.js';
import type { Role } from '../../runtime/roles.js';
import { settingsToEnv } from '../../runtime/settings.js';
import type { Settings } from '../../runtime/settings.js';
import type { ChildSpec } from './supervised-child.js';

/**
 * How a role runs as a child, or as several: the built `campus <role>` with the same settings and the stores'
 * addresses.
 */
export function roleSpecs(role: Role, settings: Settings): ChildSpec[] {
  if (role !== 'broker') return [roleSpec(role, role, settings)];
  return Array.from({ length: settings.BROKERS }, (_, i) =>
    roleSpec(role, i === 0 ? role : `${role}-${i + 1}`, brokerSettings(settings, i)),
  );
}

/**
 * What an ingest reads lives for as long as a write to InfluxDB takes, then all of it is garbage: a nursery that is
 * large enough lets it die there. On a machine of few cores the helpers of a parallel collection keep each other
 * waiting, and a pause of 3 ms becomes one of 50 ms.
 */
export const collectorFlags = ['--max-semi-space-size=64', '--single-threaded-gc'];

function roleSpec(role: Role, name: string, settings: Settings): ChildSpec {
  return {
    name,
    command: process.execPath,
    args: [
      ...(role === 'ingest' ? collectorFlags : []),
      '--enable-source-maps',
      join(projectRoot, 'dist', 'cli', 'main.js'),
      role,
    ],
    env: { ...process.env, ...settingsToEnv(settings) },
    logFile: join(settings.DATA_DIR, 'log', `${name}.log`),
    ready: 'message',
  };
}
