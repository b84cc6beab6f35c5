import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from '../../devices/registry.js';
import { tableNames } from '../../devices/tables/columns.js';
import { decodeText } from '../../devices/tables/decode-text.js';
import { encodeText } from '../../devices/tables/encode-text.js';
import type { WrittenEncoding } from '../../devices/tables/encode-text.js';
import { writeTable } from '../../devices/tables/write-tables.js';
import { AppError, messageOf } from '../../runtime/app-error.js';

export interface TableFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads the files named, and of a folder every file that ends in .csv, .tsv or .txt.
 * @throws AppError `no_tables` naming the path that can't be read or has no such file
 */
export async function readTableFiles(paths: readonly string[]): Promise<TableFile[]> {
  const files: TableFile[] = [];
  for (const path of paths) {
    try {
      const names = (await stat(path)).isDirectory()
        ? (await readdir(path))
            .filter((name) => /\.(csv|tsv|txt)$/i.test(name))
            .sort()
            .map((name) => join(path, name))
        : [path];
      if (names.length === 0)
        throw new AppError(
          'no_tables',
          `The folder ${path} has no .csv file: name the files or their folder.`,
        );
      for (const file of names) files.push({ file, bytes: await readFile(file) });
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError('no_tables', `${path} can't be read: ${messageOf(error)}.`);
    }
  }
  return files;
}

/**
 * Writes the four tables into a folder, each whole or not at all, over earlier ones of the same name.
 * @returns the files
 * @throws AppError `not_in_encoding` when a text can't be written in the encoding
 */
export async function writeTableFiles(
  registry: Registry,
  folder: string,
  encoding: WrittenEncoding,
): Promise<string[]> {
  const tables = tableNames.map((table) => {
    const text = writeTable(registry, table);
    const bytes = encodeText(text, encoding);
    const back = decodeText(bytes)?.text;
    if (back !== text) {
      const written = (back ?? '').split('\r\n');
      const line = text.split('\r\n').findIndex((each, i) => each !== written[i]) + 1;
      throw new AppError(
        'not_in_encoding',
        `Row ${line} of the table of ${table} can't be written in ${encoding}: use --encoding utf-8.`,
      );
    }
    return { file: join(folder, `${table}.csv`), bytes };
  });
  await mkdir(folder, { recursive: true });
  for (const { file, bytes } of tables) {
    await writeFile(`${file}.part`, bytes);
    await rename(`${file}.part`, file);
  }
  return tables.map(({ file }) => file);
}
