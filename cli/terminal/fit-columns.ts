/** Narrower than this no column is made, whatever it does to the width of all. */
const leastWidth = 6;

/**
 * The widths that columns get when all must fit into `room`: narrow columns keep what they need, the widest
 * ones give way, none below its `least`. Undefined when they do not fit even so.
 */
export function fitColumns(
  natural: readonly number[],
  room: number,
  least: readonly number[] = [],
): number[] | undefined {
  const widths = [...natural];
  const leastOf = (column: number) => Math.max(leastWidth, least[column] ?? 0);
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  for (; over > 0; over--) {
    let widest: number | undefined;
    for (const [column, width] of widths.entries()) {
      if (width > leastOf(column) && (widest === undefined || width > (widths[widest] ?? 0))) widest = column;
    }
    if (widest === undefined) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
