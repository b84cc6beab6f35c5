import { join } from 'node:path';
import { brokerSettings } from '../../runtime/mqtt-addresses.js';
import { projectRoot } from '../../runtime/project-root.js';
import type { Role } from '../../runtime/role.js';
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

function roleSpec(role: Role, name: string, settings: Settings): ChildSpec {
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', join(projectRoot, 'dist', 'cli', 'main.js'), role],
    env: { ...process.env, ...settingsToEnv(settings) },
    logFile: join(settings.DATA_DIR, 'log', `${name}.log`),
    ready: 'message',
  };
}
