import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../runtime/app-error.js';
import { processIdentity } from '../../runtime/process-identity.js';

/**
 * Makes this process the only supervisor of the folder; a lock left by a process that is gone is taken over.
 * @returns what gives the lock back
 * @throws AppError `already_running`
 */
export function lockFolder(folder: string, pid = process.pid): () => void {
  const lock = join(folder, 'lock');
  const own = join(folder, `lock.${pid}`);
  writeFileSync(own, `${pid} ${processIdentity(pid) ?? ''}`, { mode: 0o600 });
  try {
    for (;;) {
      const holder = takeOrRead(own, lock);
      if (holder === 'taken') return () => rmSync(lock, { force: true });
      if (isAlive(holder)) {
        throw new AppError(
          'already_running',
          `A pipeline (process ${holder.split(' ')[0] ?? '?'}) already runs on ${folder}: ` +
            'stop it, or choose another folder with --data-dir.',
        );
      }
      removeStale(lock, holder, join(folder, `lock.${pid}.stale`));
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** `link` makes the lock with its content in one step, and fails when there is one. */
function takeOrRead(own: string, lock: string): string {
  try {
    linkSync(own, lock);
    return 'taken';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(holder: string): boolean {
  const [pid, identity] = holder.split(' ');
  const current = processIdentity(Number(pid));
  return current !== undefined && current === identity;
}

/** Moves the lock aside; should a third process have taken over meanwhile, its lock is put back. */
function removeStale(lock: string, holder: string, aside: string): void {
  try {
    renameSync(lock, aside);
    if (readFileSync(aside, 'utf8') !== holder) linkSync(aside, lock);
    unlinkSync(aside);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
