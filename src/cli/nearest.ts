/** What somebody meant who has mistyped a name. */

/** The one of `names` that begins so, or else takes the fewest changes, if those are few for its length. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const [begins, ...others] = names.filter((name) => word.length > 2 && name.startsWith(word));
  if (begins !== undefined && others.length === 0) return begins;
  const ranked = names
    .map((name) => ({ name, changes: changesBetween(word, name) }))
    .sort((one, other) => one.changes - other.changes);
  const [best] = ranked;
  return best !== undefined && best.changes <= Math.max(2, best.name.length / 3) ? best.name : undefined;
}

/** Longer words are no typing mistakes, and would take time. */
const LONGEST = 64;

/** How many characters must be put in, taken out or exchanged (Levenshtein's distance). */
function changesBetween(from: string, to: string): number {
  if (from.length > LONGEST) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const [left = 0, above = 0, before = 0] = [next[column], row[column + 1], row[column]];
      next.push(Math.min(left + 1, above + 1, before + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
