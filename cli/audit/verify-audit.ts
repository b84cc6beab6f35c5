import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ChainCheck } from '../../devices/audit-check.js';
import type { ChainProblem } from '../../devices/audit-check.js';
import { chainStart } from '../../devices/audit.js';
import type { AuditAnchor, AuditRecord, ChainLink } from '../../devices/audit.js';
import { readChain, readChainEnds } from '../../devices/redis-audit.js';
import { AppError, messageOf } from '../../runtime/app-error.js';
import type { Redis } from '../../runtime/redis-connection.js';

/** What a verification came to. */
export interface AuditVerdict {
  readonly records: number;
  readonly last: ChainLink;
  readonly anchors: number;
  readonly problems: readonly ChainProblem[];
}

/** Verifies the audit in Redis against itself and against anchors. @param keptSince as in `ChainFacts` */
export async function verifyRedisAudit(
  redis: Redis,
  anchors: readonly AuditAnchor[],
  keptSince: number,
): Promise<AuditVerdict> {
  // The ends before the records: what is appended or removed by age meanwhile must not look like tampering.
  for (let tries = 0; ; tries++) {
    const { base, head } = await readChainEnds(redis);
    const check = new ChainCheck({ base, head, anchors, keptSince });
    for await (const record of readChain(redis)) if (record.seq <= head.seq) check.add(record);
    const verdict = { ...check.end(), anchors: anchors.length };
    const now = (await readChainEnds(redis)).base;
    if (now.seq === base.seq || tries === 5) return verdict;
  }
}

/** The first line of an export: what its first record follows. */
export interface ExportHeader {
  readonly kind: 'audit_export';
  readonly base: ChainLink;
}

/** Its last line: where it ends. */
export interface ExportFooter extends AuditAnchor {
  readonly kind: 'anchor';
}

/**
 * Verifies an exported file by itself, and against anchors.
 * @throws AppError `bad_export` when it is no such file
 */
export async function verifyExport(file: string, anchors: readonly AuditAnchor[]): Promise<AuditVerdict> {
  let check: ChainCheck | undefined;
  let footer: ExportFooter | undefined;
  const late: ChainProblem[] = [];
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  try {
    for await (const line of lines) {
      if (line === '') continue;
      const parsed = parseLine(line);
      if (check === undefined) {
        if (parsed?.['kind'] !== 'audit_export')
          throw new AppError(
            'bad_export',
            `"${file}" is no export of the audit: its first line does not say so.`,
          );
        const { base } = parsed as unknown as ExportHeader;
        check = new ChainCheck({ base, anchors, isPart: true });
        continue;
      }
      if (footer !== undefined)
        late.push({
          kind: 'inserted',
          seq: footer.seq,
          message: 'There is something behind the closing anchor.',
        });
      else if (parsed?.['kind'] === 'anchor') footer = parsed as unknown as ExportFooter;
      else check.add((parsed ?? unreadable(line)) as unknown as AuditRecord);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('bad_export', `"${file}" can't be read: ${messageOf(error)}.`);
  }
  if (check === undefined) throw new AppError('bad_export', `"${file}" is empty.`);
  const verdict = check.end();
  return {
    ...verdict,
    anchors: anchors.length,
    problems: [...verdict.problems, ...late, ...closing(footer, verdict.last)],
  };
}

function closing(footer: ExportFooter | undefined, last: ChainLink): ChainProblem[] {
  if (footer === undefined)
    return [
      {
        kind: 'truncated',
        seq: last.seq + 1,
        message: 'The end is missing: the file has no closing anchor.',
      },
    ];
  if (footer.seq === last.seq && footer.hash === last.hash) return [];
  return [
    {
      kind: footer.seq > last.seq ? 'truncated' : 'rewritten',
      seq: last.seq,
      message: `Record ${last.seq} is the last one, and the closing anchor is of record ${footer.seq}.`,
    },
  ];
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A record that can't be right, so that the check says where. */
function unreadable(line: string): Record<string, unknown> {
  return { ...chainStart, prev: '', why: line };
}
