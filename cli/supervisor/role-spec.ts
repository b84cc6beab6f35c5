import { join } from 'node:path';
import { projectRoot } from '../../runtime/project-root.js';
import type { Role } from '../../runtime/role.js';
import { settingsToEnv } from '../../runtime/settings.js';
import type { Settings } from '../../runtime/settings.js';
import type { ChildSpec } from './supervised-child.js';

/** How a role runs as a child: the built `campus <role>` with the same settings and the stores' addresses. */
export function roleSpec(role: Role, settings: Settings): ChildSpec {
  return {
    name: role,
    command: process.execPath,
    args: ['--enable-source-maps', join(projectRoot, 'dist', 'cli', 'main.js'), role],
    env: { ...process.env, ...settingsToEnv(settings) },
    logFile: join(settings.DATA_DIR, 'log', `${role}.log`),
    ready: 'message',
  };
}
