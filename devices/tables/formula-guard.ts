const looksLikeFormula = /^'*[=+\-@\t\r＝＋－＠]/;
const isNumber = /^-?\d+(\.\d+)?$/;

/**
 * A cell that spreadsheet programs show as text instead of running it as a formula: what begins like one gets a
 * quote in front, which `unguardFormula` takes away again.
 */
export function guardFormula(cell: string): string {
  return looksLikeFormula.test(cell) && !isNumber.test(cell) ? `'${cell}` : cell;
}

/** The inverse of `guardFormula`. */
export function unguardFormula(cell: string): string {
  return cell.startsWith("'") && looksLikeFormula.test(cell) ? cell.slice(1) : cell;
}
