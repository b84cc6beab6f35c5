import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  // The same file runs from the sources (tests) and from dist/, so the depth is not fixed.
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** The folder of package.json: where shipped files that are not code (rules, recorded data) are found. */
export const projectRoot: string = findRoot();
