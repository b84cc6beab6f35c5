import { join } from 'node:path';
import { projectRoot } from './project-root.js';
import type { Settings } from './settings.js';

/** The rules that are shipped. */
export const catalogueFolder = join(projectRoot, 'rules', 'catalogue');

/**
 * Where the rule files are: the folder, and the catalogue that its rules stand beside, if any. Without a folder of
 * one's own (RULES_DIR) the folder is the catalogue.
 */
export function ruleFolders({
  RULES_DIR,
  RULES_CATALOGUE,
}: Pick<Settings, 'RULES_DIR' | 'RULES_CATALOGUE'>): readonly [folder: string, catalogue?: string] {
  if (RULES_DIR === undefined) return [catalogueFolder];
  return RULES_CATALOGUE ? [RULES_DIR, catalogueFolder] : [RULES_DIR];
}
