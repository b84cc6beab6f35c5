import type { AuditRecord } from '../../devices/audit.js';
import { formatTable } from './table.js';
import { formatTime } from './time.js';

/** Records of the audit as a table, one a row. */
export function formatAudit(records: readonly AuditRecord[], timezone: string): string {
  return formatTable(
    ['No.', 'When', 'Who', 'What', 'Of', ''],
    records.map(({ seq, at, by, what, id, device, before, after, why }) => [
      String(seq),
      formatTime(at, timezone),
      by,
      what,
      device === undefined || device === id ? id : `${device}\n${id}`,
      [change(before, after), why ?? ''].filter((text) => text !== '').join('\n'),
    ]),
  );
}

function change(before: unknown, after: unknown): string {
  if (before === undefined) return after === undefined ? '' : brief(after);
  return after === undefined ? `was ${brief(before)}` : `${brief(before)} → ${brief(after)}`;
}

const longest = 90;

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
