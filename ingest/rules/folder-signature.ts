import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRuleFile } from '../../rules/load-rules.js';

/** A text that differs when a rule file in the folder was added, removed, renamed or written. Never throws. */
export async function signatureOf(folder: string): Promise<string> {
  try {
    const names = (await readdir(folder)).filter(isRuleFile).sort();
    const files = await Promise.all(names.map((name) => signatureOfFile(join(folder, name))));
    return names.map((name, i) => `${name} ${files[i]}`).join('\n');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

async function signatureOfFile(path: string): Promise<string> {
  try {
    const { size, mtimeNs, ino } = await stat(path, { bigint: true });
    return `${size} ${mtimeNs} ${ino}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
