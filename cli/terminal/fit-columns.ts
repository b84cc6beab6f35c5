/** Narrower than this no column is made, whatever it does to the width of all. */
const leastWidth = 6;

/**
 * The widths that columns get when all must fit into `room`: narrow columns keep what they need, the widest
 * ones give way, down to one common width.
 */
export function fitColumns(natural: readonly number[], room: number): number[] {
  let widest = Math.max(...natural, leastWidth);
  const fitted = () => natural.map((width) => Math.min(width, widest));
  while (widest > leastWidth && fitted().reduce((sum, width) => sum + width, 0) > room) widest -= 1;
  return fitted();
}
