/** Something wrong in a file, and what to do about it. */
export interface TableProblem {
  readonly file: string;
  /** As a spreadsheet program counts: the header is row 1. */
  readonly row?: number | undefined;
  /** As the file's header names it. */
  readonly column?: string | undefined;
  readonly message: string;
}

/** `devices.csv, row 17, column parent: …` */
export function formatProblem({ file, row, column, message }: TableProblem): string {
  const where = [
    file,
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ];
  return `${where.join(', ')}: ${message}`;
}
