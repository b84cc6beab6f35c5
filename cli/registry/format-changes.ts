import { tableNames } from '../../devices/tables/columns.js';
import type { RowChange } from '../../devices/tables/diff-registries.js';
import { formatProblem } from '../../devices/tables/table-problem.js';
import type { TableProblem } from '../../devices/tables/table-problem.js';

/** Of each table so many changes are shown one by one; `--json` has all of them. */
const mostShown = 20;
const mostProblems = 100;

/** What an import or a removal changes, for people. */
export function formatChanges(changes: readonly RowChange[]): string {
  const lines: string[] = [];
  for (const table of tableNames) {
    const ofTable = changes.filter((change) => change.table === table);
    if (ofTable.length === 0) continue;
    const count = (action: RowChange['action']) =>
      ofTable.filter((change) => change.action === action).length;
    lines.push(`${table}: ${count('add')} added, ${count('change')} changed, ${count('remove')} removed`);
    lines.push(...ofTable.slice(0, mostShown).map(formatChange));
    if (ofTable.length > mostShown) lines.push(`  … and ${ofTable.length - mostShown} more (--json has all)`);
  }
  return lines.join('\n');
}

function formatChange({ action, key, fields }: RowChange): string {
  if (action === 'remove') return `  - ${key}`;
  const cells = fields.map(({ column, from, to }) =>
    action === 'add' ? `${column}=${to}` : `${column}: ${from || '(empty)'} → ${to || '(empty)'}`,
  );
  return `  ${action === 'add' ? '+' : '~'} ${key}  ${cells.join(', ')}`;
}

/** What is wrong, a line each. */
export function formatProblems(problems: readonly TableProblem[]): string {
  const lines = problems.slice(0, mostProblems).map(formatProblem);
  if (problems.length > mostProblems)
    lines.push(`… and ${problems.length - mostProblems} more (--json has all)`);
  return lines.join('\n');
}

/** The counts of a list of changes by table and action, as `--json` prints them. */
export function countChanges(changes: readonly RowChange[]) {
  return Object.fromEntries(
    tableNames.map((table) => {
      const counts = { add: 0, change: 0, remove: 0 };
      for (const change of changes) if (change.table === table) counts[change.action]++;
      return [table, counts];
    }),
  );
}
