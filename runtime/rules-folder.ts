import { join } from 'node:path';
import { projectRoot } from './project-root.js';
import type { Settings } from './settings.js';

/** Where the rule files are: RULES_DIR, else the shipped catalogue. */
export function rulesFolder(settings: Settings): string {
  return settings.RULES_DIR ?? join(projectRoot, 'rules', 'catalogue');
}
