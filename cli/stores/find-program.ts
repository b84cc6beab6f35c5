import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where programs are that a shell may not look into: system folders of other users, keg-only formulas. */
const extraFolders = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/influxdb@1/bin',
  '/usr/local/opt/influxdb@1/bin',
];

/** The path of the first of these programs that is there; undefined when none is. */
export function findProgram(names: readonly string[], path = process.env.PATH ?? ''): string | undefined {
  const folders = [...path.split(delimiter), ...extraFolders].filter((folder) => folder !== '');
  for (const name of names) {
    for (const folder of folders) {
      if (isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
