import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './run-record.js';
import type { ProcessRecord, RunRecord } from './run-record.js';

const graceMs = 20_000;

/**
 * Ends what a killed supervisor left running on our folder, in the order of an ordinary stop: roles first,
 * the databases last. Two Redis servers on one folder would ruin its files.
 * @returns the names of what was ended
 */
export async function endOrphans(record: RunRecord | undefined): Promise<string[]> {
  const left = (record?.processes ?? []).filter(isRunning);
  // Children are recorded in the order of their start.
  for (const orphan of left.toReversed()) await end(orphan);
  return left.map(({ role }) => role);
}

async function end(orphan: ProcessRecord): Promise<void> {
  signal(orphan, 'SIGTERM');
  for (const deadline = Date.now() + graceMs; isRunning(orphan) && Date.now() < deadline;) await sleep(50);
  if (!isRunning(orphan)) return;
  signal(orphan, 'SIGKILL');
  while (isRunning(orphan)) await sleep(20);
}

function signal(orphan: ProcessRecord, name: NodeJS.Signals): void {
  try {
    process.kill(orphan.pid, name);
  } catch (error) {
    // It ended by itself since we looked.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
