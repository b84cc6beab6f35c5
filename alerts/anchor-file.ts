import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AuditAnchor } from '../devices/audit.js';

/** Where the anchors of the audit are written down, beside Redis: one JSON a line, oldest first. */
export function anchorFileOf(dataDir: string): string {
  return join(dataDir, 'audit', 'anchors.ndjson');
}

/** Adds an anchor; it is on disk when this returns. */
export async function appendAnchor(file: string, anchor: AuditAnchor): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.write(`${JSON.stringify(anchor)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The anchors of a file, oldest first; none where there is no file. What is no anchor (a line cut short) is left out. */
export async function readAnchors(file: string): Promise<AuditAnchor[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => parseAnchor(line) ?? []);
}

function parseAnchor(line: string): AuditAnchor | undefined {
  try {
    const { seq, hash, at } = JSON.parse(line) as Partial<AuditAnchor>;
    if (typeof seq !== 'number' || typeof hash !== 'string' || typeof at !== 'number') return undefined;
    return { seq, hash, at };
  } catch {
    return undefined;
  }
}
