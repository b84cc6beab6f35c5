/**
 * The end of a sentence that names what was probably meant, ` Did you mean "co2_ppm"?`, or the known names
 * when nothing is near and they are few, or nothing.
 */
export function didYouMean(written: string, known: readonly string[]): string {
  const meant = nearest(written, known);
  if (meant !== undefined) return ` Did you mean "${meant}"?`;
  return known.length <= 20 ? ` Known are: ${known.join(', ')}.` : '';
}

/** The known name that differs least from what was written; undefined when none is near. */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const name of known) {
    // A right quantity with a wrong unit (co2_mgm3) is nearer than its letters say.
    const sameStem = stem(name) !== '' && stem(name) === stem(written);
    const distance = sameStem ? 1 : editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

function stem(name: string): string {
  const end = name.indexOf('_');
  return end > 0 ? name.slice(0, end) : '';
}

/** Levenshtein distance: letters to insert, delete or replace. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
