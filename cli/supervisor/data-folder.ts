import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClockSpec } from '../../runtime/clock.js';
import { AppError } from '../../runtime/app-error.js';

/**
 * Makes the data folder, for our eyes only, and checks that it can be written.
 * @returns what takes the folders that it made away again, as long as nothing is in them
 * @throws AppError `bad_data_folder`
 */
export function prepareDataFolder(folder: string): () => void {
  const made: string[] = [];
  const undo = () => {
    for (const path of made.reverse()) rmdirSync(path);
  };
  const probe = join(folder, `.probe.${process.pid}`);
  try {
    for (const part of ['', 'log', 'redis', 'influx']) makeFolder(join(folder, part), made);
    writeFileSync(probe, '');
    rmSync(probe);
    return undo;
  } catch (error) {
    undo();
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new AppError(
      'bad_data_folder',
      `The data folder ${folder} can't be written (${reason}): choose another one with --data-dir or DATA_DIR.`,
      { cause: error },
    );
  }
}

/** Not Node's own `recursive`: under /proc, where no folder can be made, that never returns. */
function makeFolder(folder: string, made: string[]): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), made);
  mkdirSync(folder, { mode: 0o700 });
  made.push(folder);
}

/**
 * A folder lives on one kind of clock for ever: simulated readings among real ones would never be told apart.
 * @throws AppError `wrong_clock`
 */
export function guardClockKind(folder: string, kind: ClockSpec['kind']): void {
  const file = join(folder, 'clock');
  const kept = readIfThere(file)?.trim();
  if (kept === undefined) {
    writeFileSync(file, `${kind}\n`, { mode: 0o600 });
  } else if (kept !== kind) {
    throw new AppError(
      'wrong_clock',
      `The data folder ${folder} was used with the ${kept} clock, and this start asks for the ${kind} clock: ` +
        'choose another folder with --data-dir.',
    );
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
