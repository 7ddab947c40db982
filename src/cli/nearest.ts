/** What somebody meant who has mistyped a name. */

/** A question for whoever has written `word`, if one of `names` is near to it; `before` stands before that. */
export function didYouMean(word: string, names: readonly string[], before = ''): string | undefined {
  const meant = nearest(word, names);
  return meant && `did you mean ${before}${meant}?`;
}

/** The one of `names` that begins so, or else takes the fewest changes, if those are few for its length. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const [begins, ...others] = names.filter((name) => word.length > 2 && name.startsWith(word));
  if (begins !== undefined && others.length === 0) return begins;
  const ranked = names
    .map((name) => ({ name, changes: changesBetween(word, name) }))
    .sort((one, other) => one.changes - other.changes);
  const [best] = ranked;
  return best !== undefined && best.changes <= Math.max(1, best.name.length / 3) ? best.name : undefined;
}

/** Longer words are no typing mistakes, and would take time. */
const LONGEST = 64;

/** How many characters must be put in, taken out, replaced, or exchanged with the next (optimal string alignment). */
function changesBetween(from: string, to: string): number {
  if (from.length > LONGEST) return Number.POSITIVE_INFINITY;
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  const changes = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= from.length; row++) {
    rows.push([row]);
    for (let column = 1; column <= to.length; column++) {
      const [letter, other] = [from[row - 1], to[column - 1]];
      const exchanged = letter === to[column - 2] && other === from[row - 2];
      const least = Math.min(
        changes(row, column - 1) + 1,
        changes(row - 1, column) + 1,
        changes(row - 1, column - 1) + (letter === other ? 0 : 1),
        exchanged ? changes(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
      rows[row]?.push(least);
    }
  }
  return changes(from.length, to.length);
}
