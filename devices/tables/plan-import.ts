import type { Registry } from '../registry.js';
import { checkRegistry } from './check-registry.js';
import { diffRegistries } from './diff-registries.js';
import type { RowChange } from './diff-registries.js';
import { mergeTables } from './merge-tables.js';
import { readTables } from './read-tables.js';
import type { TableProblem } from './table-problem.js';

/** What an import would do; with problems it does nothing. */
export interface ImportPlan {
  /** In the order of files and rows. */
  readonly problems: readonly TableProblem[];
  readonly changes: readonly RowChange[];
  readonly after: Registry;
}

/** Reads the files and finds all that is wrong with them, and else what they change. */
export function planImport(
  current: Registry,
  files: readonly { readonly file: string; readonly bytes: Uint8Array }[],
  { removeMissing = false }: { readonly removeMissing?: boolean | undefined } = {},
): ImportPlan {
  const problems: TableProblem[] = [];
  const report = (problem: TableProblem) => problems.push(problem);
  const rows = readTables(files, report);
  if (removeMissing) {
    // An empty table would remove the whole city: more likely the wrong file.
    for (const [table, file] of rows.tables) {
      if (rows[table].length > 0) continue;
      report({ file, message: `the table of ${table} has no rows: nothing is removed by an empty table.` });
    }
  }
  const merged = mergeTables(current, rows, removeMissing, report);
  checkRegistry(current, merged, rows, report);
  const order = new Map(files.map(({ file }, i) => [file, i]));
  problems.sort((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || (a.row ?? 0) - (b.row ?? 0));
  if (problems.length > 0) return { problems, changes: [], after: current };
  return { problems, changes: diffRegistries(current, merged.registry), after: merged.registry };
}
