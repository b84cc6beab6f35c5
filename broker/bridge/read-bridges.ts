import { readFile } from 'node:fs/promises';
import type { Profile } from '../../devices/profiles/profile.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import { parseBridges } from './parse-bridges.js';
import type { Bridge } from './parse-bridges.js';

/**
 * Reads a file of bridges.
 * @throws AppError `bad_bridges` when it can't be read, or with file, line and column of every mistake
 */
export async function readBridges(
  file: string,
  profiles: ReadonlyMap<string, Profile>,
): Promise<readonly Bridge[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : messageOf(error);
    throw new AppError(
      'bad_bridges',
      `The file of bridges ${file} can't be read: ${why}; check BRIDGES_FILE.`,
    );
  }
  return parseBridges(file, text, profiles);
}
